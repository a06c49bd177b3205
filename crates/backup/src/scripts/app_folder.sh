# Makes a folder in a volume that the application will mount; whoever it runs as may enter. Argument: the folder.
umask 0
mkdir -p -- "$1"
