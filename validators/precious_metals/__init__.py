"""The precious metals family: what dealers in precious metals, stones and jewellery report (`proposed`)."""
