#!/bin/sh
# restore.sh BACKUP WAL DATA [PG_WAL]: makes the new data directory DATA from a base backup of plain format and from
# archived WAL. PG_WAL is the pg_wal of the lost server, where its disk can still be read: then nothing at all is lost.
# Run as the user that runs PostgreSQL; start the server on DATA afterwards: it replays WAL to the end and opens.
# It archives nothing until it is given a new place: its timeline in the old one would lead later restores astray.
set -eu
backup=$1
wal=$(cd "$2" && pwd)
data=$3
[ ! -e "$data" ] || { echo "restore.sh: $data is there already" >&2; exit 2; }
pg_verifybackup --quiet --no-parse-wal "$backup"
cp -a "$backup" "$data"
if [ "$#" -ge 4 ]; then
    find "$4" -maxdepth 1 -type f -exec cp -p {} "$data/pg_wal/" \;
fi
echo "restore_command = 'cp \"$wal/%f\" \"%p\"'" >> "$data/postgresql.auto.conf"
echo "archive_mode = off" >> "$data/postgresql.auto.conf"
touch "$data/recovery.signal"
chmod 700 "$data"
