# Runs Active Record's migrations in a folder, as `rails db:migrate` does.
require "active_record"

ActiveRecord::Base.establish_connection(ARGV.fetch(1))
ActiveRecord::MigrationContext.new(ARGV.fetch(0), ActiveRecord::SchemaMigration).migrate
