package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/fsnotify/fsnotify"
)

// openVolumes makes every folder below the given one writable for all users, those to come included.
//
// The controller manager's host-path provisioner makes a volume's folder for root alone and host-path volumes get
// no fsGroup, so that a container that does not run as root could never write its volume.
func openVolumes(root string) error {
	watcher, err := fsnotify.NewWatcher()
	if err != nil {
		return err
	}
	defer watcher.Close()
	if err := watcher.Add(root); err != nil {
		return err
	}
	// After the watch has begun, so that no folder falls between the two.
	existing, err := filepath.Glob(filepath.Join(root, "*"))
	if err != nil {
		return err
	}
	for _, folder := range existing {
		openVolume(folder)
	}
	for {
		select {
		case event, open := <-watcher.Events:
			if !open {
				return fmt.Errorf("the watch on %s has ended", root)
			}
			if event.Has(fsnotify.Create) {
				openVolume(event.Name)
			}
		case err, open := <-watcher.Errors:
			if !open {
				return fmt.Errorf("the watch on %s has ended", root)
			}
			return err
		}
	}
}

func openVolume(folder string) {
	// os.Chmod alone sets the mode: the process's umask does not count. A volume may be gone again already.
	if err := os.Chmod(folder, 0o777); err != nil && !os.IsNotExist(err) {
		fmt.Fprintln(os.Stderr, err)
		return
	}
	fmt.Fprintln(os.Stderr, "opened", folder)
}
