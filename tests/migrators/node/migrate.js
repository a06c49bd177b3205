// Runs the migrations in a folder with the library that is named: migrate.js TOOL FOLDER URL
const path = require('path')

const [tool, given, url] = process.argv.slice(2)
const folder = path.resolve(given)

const run = {
  async knex() {
    const knex = require('knex')({ client: 'pg', connection: url, pool: { min: 0, max: 2 } })
    await knex.migrate.latest({ directory: folder })
    await knex.destroy()
  },
  async typeorm() {
    const { DataSource } = require('typeorm')
    const source = new DataSource({ type: 'postgres', url, migrations: [path.join(folder, '*.js')] })
    await source.initialize()
    await source.runMigrations({ transaction: 'each' })
    await source.destroy()
  },
  async sequelize() {
    const { Sequelize } = require('sequelize')
    const { SequelizeStorage, Umzug } = require('umzug')
    const sequelize = new Sequelize(url, { logging: false })
    const umzug = new Umzug({
      migrations: { glob: ['*.js', { cwd: folder }] },
      context: sequelize.getQueryInterface(),
      storage: new SequelizeStorage({ sequelize }),
    })
    await umzug.up()
    await sequelize.close()
  },
}

run[tool]().catch((error) => {
  console.error(error)
  process.exit(1)
})
