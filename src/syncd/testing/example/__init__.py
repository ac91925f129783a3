"""A connector with its fake and its test: what `syncd new-connector` starts from, and what the suite is tested on."""
