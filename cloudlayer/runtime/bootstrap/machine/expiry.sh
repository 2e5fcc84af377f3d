#!/bin/sh
# Ends the machine when nobody has touched /run/cloudlayer/alive for as long as /etc/cloudlayer/expiry says, in seconds. Time is
# counted by how long the machine is up, since its clock may be set meanwhile.
set -eu
alive=/run/cloudlayer/alive
seen=/run/cloudlayer/seen
mkdir -p /run/cloudlayer
read -r now _ </proc/uptime
now=${now%.*}
touched=$(stat -c %.Y $alive 2>/dev/null || echo never)
last= since=0
if [ -e $seen ]; then read -r last since <$seen; fi
if [ "$touched" != "$last" ]; then
  echo "$touched $now" >$seen
elif [ $((now - since)) -ge "$(cat /etc/cloudlayer/expiry)" ]; then
  echo "nobody has asked for this machine in $((now - since)) s: shutting down"
  systemctl poweroff
fi
