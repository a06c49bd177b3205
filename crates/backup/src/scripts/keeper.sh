# Ends the pod when the client is gone: then nothing more comes on standard input.
while read -r _; do :; done
kill -TERM 1
