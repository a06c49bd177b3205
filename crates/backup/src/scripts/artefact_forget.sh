# Takes away what was unpacked for a restore that did not come about; what is in use stays. Arguments: the volume, the
# restore's id.
cd "$1" || exit 66
# Once there is a journal its files are on their way into their place.
if [ -f ".pgbackup-journal-$2" ]; then exit 0; fi
rm -rf ".pgbackup-incoming-$2"
