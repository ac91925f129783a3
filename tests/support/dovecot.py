"""A Dovecot of its own for tests: IMAP on loopback, users in a file, everything in one temporary folder."""

from __future__ import annotations

import grp
import os
import pwd
import select
import shutil
import signal
import socket
import subprocess
import tempfile
from pathlib import Path

from tests.support.certificates import Certificate

PASSWORD = "correct horse battery"

_CONFIG = """\
protocols = imap
listen = 127.0.0.1
base_dir = {root}/run
state_dir = {root}/state
log_path = {root}/dovecot.log
instance_name = {root}
default_internal_user = {internal}
default_internal_group = {group}
default_login_user = {login}
disable_plaintext_auth = no
auth_mechanisms = plain login xoauth2
auth_failure_delay = 0
mail_location = maildir:{mail}/mail/%u
ssl = yes
ssl_cert = <{certificate}
ssl_key = <{key}
{capability}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {root}/oauth2.conf
}}
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {mail}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={mail}/mail/%u
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
first_valid_uid = 1
"""


def find_dovecot() -> str | None:
    """The server's program, if it is installed in the one version whose configuration this is."""
    program = shutil.which("dovecot", path=os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin")
    if program is None:
        return None
    version = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=30, check=True).stdout
    return program if version.startswith("2.3.") else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Dovecot:
    """A running server; `tokens` is the port on which it asks whether an OAuth token holds."""

    def __init__(self, program: str, *, capabilities: str = "", mail: Path | None = None) -> None:
        self._program = program
        # Not below pytest's folders, which only their owner may enter: mail is read as another user.
        self.root = Path(tempfile.mkdtemp(prefix="syncd-dovecot-"))
        self.port, self.tls_port, self.tokens = free_port(), free_port(), free_port()
        self.certificate = Certificate(self.root)
        self._capabilities = capabilities
        self._mail = mail or self.root

    def start(self) -> None:
        """Returns when it listens."""
        self.root.chmod(0o755)
        privileged = os.geteuid() == 0
        owner = pwd.getpwnam("mail" if privileged else pwd.getpwuid(os.geteuid()).pw_name)
        internal = pwd.getpwnam("dovecot").pw_name if privileged else owner.pw_name
        login = "dovenull" if privileged else owner.pw_name
        mail = self.root / "mail"
        mail.mkdir()
        os.chown(mail, owner.pw_uid, owner.pw_gid)
        # All at once: a change of the file is noticed only after a second.
        names = [f"user{number}" for number in range(1_000)]
        self._users = iter(names)
        (self.root / "users").write_text("".join(f"{name}:{PASSWORD}\n" for name in names))
        (self.root / "users").chmod(0o644)
        (self.root / "oauth2.conf").write_text(
            f"tokeninfo_url = http://127.0.0.1:{self.tokens}/tokeninfo?access_token=\n"
            "username_attribute = username\nactive_attribute = active\nactive_value = true\n"
        )
        text = _CONFIG.format(
            root=self.root, mail=self._mail, uid=owner.pw_uid, gid=owner.pw_gid, internal=internal, login=login,
            group=self._group(internal), port=self.port, tls_port=self.tls_port,
            certificate=self.certificate.path, key=self.certificate.key,
            capability=f"imap_capability = {self._capabilities}" if self._capabilities else "",
        )  # fmt: skip
        self._config.write_text(text)
        self._run()

    def beside(self, capabilities: str) -> Dovecot:
        """A second server for the same mail, started, which admits only to these capabilities."""
        other = Dovecot(self._program, capabilities=capabilities, mail=self.root)
        other.start()
        return other

    def stop(self) -> None:
        """Returns when it is gone."""
        handle = os.pidfd_open(int((self.root / "run" / "master.pid").read_text()))
        try:
            signal.pidfd_send_signal(handle, signal.SIGTERM)
            assert select.select([handle], [], [], 30)[0], "Dovecot does not end"
        finally:
            os.close(handle)
        shutil.rmtree(self.root)

    def user(self) -> str:
        """A user nobody had yet, with PASSWORD."""
        return next(self._users)

    @property
    def _config(self) -> Path:
        return self.root / "dovecot.conf"

    def _group(self, user: str) -> str:
        return grp.getgrgid(pwd.getpwnam(user).pw_gid).gr_name

    def _run(self) -> None:
        said = self.root / "said"  # a file, as a pipe would stay open for as long as the server runs
        with said.open("w") as output:
            done = subprocess.run(
                [self._program, "-c", str(self._config)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, timeout=30, check=False,
            )  # fmt: skip
        assert done.returncode == 0, said.read_text()
