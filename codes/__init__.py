"""The code tables of Order No. 13: data of dated editions, loaded once and checked before use."""
