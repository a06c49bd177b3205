// Prisma's own schema engine, as the WebAssembly that its package ships: the native one is not part of any package.
import { PrismaPg } from '@prisma/adapter-pg'
import pg from 'pg'

// The adapter of this version refuses columns of type `name` (prisma/orm issue 27403), which the engine itself asks for.
const NAME = 19
const TEXT = 25
const { addFields } = pg.Result.prototype
pg.Result.prototype.addFields = function (fields) {
  for (const field of fields) if (field.dataTypeID === NAME) field.dataTypeID = TEXT
  return addFields.call(this, fields)
}

export default {
  experimental: { adapter: true },
  engine: 'js',
  schema: 'schema.prisma',
  migrations: { path: 'migrations' },
  adapter: async () => new PrismaPg({ connectionString: process.env.DATABASE_URL }),
}
