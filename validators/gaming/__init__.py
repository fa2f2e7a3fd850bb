"""The gaming family: what gambling organisers' hardware and software complexes report (`proposed`)."""
