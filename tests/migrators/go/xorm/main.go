// Runs xorm's migrate package on a folder of SQL files, or counts up the version table as Gitea declares it.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"

	_ "github.com/lib/pq"
	"xorm.io/xorm"
	"xorm.io/xorm/migrate"
	"xorm.io/xorm/names"
)

// Version is the table of Gitea's own migrations.
type Version struct {
	ID      int64 `xorm:"pk autoincr"`
	Version int64
}

func main() {
	if err := run(os.Args[1], os.Args[2], os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(tool, folder, url string) error {
	engine, err := xorm.NewEngine("postgres", url)
	if err != nil {
		return err
	}
	// As Gitea does; it makes `id` of ID.
	engine.SetMapper(names.GonicMapper{})
	files, err := filepath.Glob(filepath.Join(folder, "*.sql"))
	if err != nil {
		return err
	}
	sort.Strings(files)
	if tool == "gitea" {
		return count(engine, files)
	}
	var all []*migrate.Migration
	for _, file := range files {
		sql, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		all = append(all, &migrate.Migration{
			ID: strings.TrimSuffix(filepath.Base(file), ".sql"),
			Migrate: func(engine *xorm.Engine) error {
				_, err := engine.Exec(string(sql))
				return err
			},
		})
	}
	return migrate.New(engine, migrate.DefaultOptions, all).Migrate()
}

func count(engine *xorm.Engine, files []string) error {
	if err := engine.Sync(new(Version)); err != nil {
		return err
	}
	current := &Version{ID: 1}
	found, err := engine.Get(current)
	if err != nil {
		return err
	}
	if !found {
		if _, err := engine.InsertOne(&Version{ID: 1}); err != nil {
			return err
		}
	}
	for index, file := range files {
		if int64(index) < current.Version {
			continue
		}
		sql, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err := engine.Exec(string(sql)); err != nil {
			return err
		}
		if _, err := engine.ID(1).Cols("version").Update(&Version{Version: int64(index + 1)}); err != nil {
			return err
		}
	}
	return nil
}
