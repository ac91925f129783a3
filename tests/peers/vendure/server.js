// A shop for the tests: Vendure's own parts, and a plugin for events, of which its core sends none.
const { createHmac } = require('node:crypto');
const path = require('node:path');
const {
  AssetEvent, DefaultLogger, EventBus, LogLevel, PluginCommonModule, ProductEvent, ProductVariantEvent, RequestContextService,
  VendurePlugin, ZoneService, bootstrap, dummyPaymentHandler,
} = require('@vendure/core');
const { populateInitialData } = require('@vendure/core/cli');
const { AssetServerPlugin } = require('@vendure/asset-server-plugin');

const { PORT, PGPORT, PGDATABASE, HOOK_URL, HOOK_SECRET, STATE } = process.env;

// Posts each change of a product, variant or asset to HOOK_URL, signed with HMAC-SHA256 over the body. Once: as a
// shop's developer would write it, without retry.
class HookPlugin {
  constructor(bus) { this.bus = bus; }
  onApplicationBootstrap() {
    if (!HOOK_URL) return;
    for (const kind of [ProductEvent, ProductVariantEvent, AssetEvent]) {
      this.bus.ofType(kind).subscribe((event) => post(kind.name, event));
    }
  }
}
Reflect.defineMetadata('design:paramtypes', [EventBus], HookPlugin);
VendurePlugin({ imports: [PluginCommonModule], compatibility: '^3.0.0' })(HookPlugin);

function post(name, event) {
  const entity = Array.isArray(event.entity) ? event.entity[0] : event.entity;
  const body = JSON.stringify({ event: name, type: event.type, id: entity && entity.id });
  const signature = createHmac('sha256', HOOK_SECRET).update(body).digest('hex');
  const headers = { 'content-type': 'application/json', 'x-vendure-signature': signature };
  fetch(HOOK_URL, { method: 'POST', body, headers }).catch(() => {});
}

const config = {
  apiOptions: { hostname: '127.0.0.1', port: Number(PORT), adminApiPath: 'admin-api', shopApiPath: 'shop-api', csrfPrevention: true },
  authOptions: {
    tokenMethod: ['bearer', 'cookie', 'api-key'],
    superadminCredentials: { identifier: 'superadmin', password: 'superadmin' },
    cookieOptions: { secret: 'only for tests' },
  },
  dbConnectionOptions: {
    type: 'postgres', host: '127.0.0.1', port: Number(PGPORT), username: 'postgres', password: '', database: PGDATABASE,
    synchronize: true, logging: false,
  },
  logger: new DefaultLogger({ level: LogLevel.Info }),
  importExportOptions: { importAssetsDir: path.join(STATE, 'import') },
  paymentOptions: { paymentMethodHandlers: [dummyPaymentHandler] },
  plugins: [AssetServerPlugin.init({ route: 'assets', assetUploadDir: path.join(STATE, 'assets') }), HookPlugin],
};

const shop = {
  defaultLanguage: 'en', defaultZone: 'Europe', countries: [{ code: 'DE', name: 'Germany', zone: 'Europe' }],
  taxRates: [{ name: 'Standard', percentage: 20 }], shippingMethods: [{ name: 'Standard', price: 500 }], paymentMethods: [],
  collections: [],
};

async function main() {
  const app = await bootstrap(config);
  const context = await app.get(RequestContextService).create({ apiType: 'admin' });
  if (!(await app.get(ZoneService).findAll(context)).totalItems) await populateInitialData(app, shop);
}

main().catch((error) => { console.error(error); process.exit(1); });
