#!/bin/sh
# For PostgreSQL's archive_command: archive-wal.sh %p /path/to/wal/%f
# A segment appears in its place whole and durable, or not at all; one with other content is never written over.
set -eu
segment=$1
place=$2
if [ -e "$place" ]; then
    exec cmp -s "$segment" "$place"
fi
cp "$segment" "$place.part"
sync "$place.part"
mv "$place.part" "$place"
sync "$(dirname "$place")"
