"""Whether anything is publicly known against what the gateway is made of."""
