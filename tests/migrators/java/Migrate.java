import java.nio.file.Path;
import java.sql.DriverManager;
import liquibase.Contexts;
import liquibase.Liquibase;
import liquibase.database.DatabaseFactory;
import liquibase.database.jvm.JdbcConnection;
import liquibase.resource.DirectoryResourceAccessor;
import org.flywaydb.core.Flyway;

/** Runs the migrations in a folder with the library that is named: Migrate TOOL FOLDER URL. */
final class Migrate {
    public static void main(String[] arguments) throws Exception {
        String tool = arguments[0], folder = arguments[1], url = arguments[2];
        switch (tool) {
            case "flyway" ->
                Flyway.configure().envVars().dataSource(url, null, null).locations("filesystem:" + folder).load().migrate();
            case "liquibase" -> {
                try (var connection = DriverManager.getConnection(url)) {
                    var database = DatabaseFactory.getInstance().findCorrectDatabaseImplementation(new JdbcConnection(connection));
                    new Liquibase("changelog.yaml", new DirectoryResourceAccessor(Path.of(folder)), database).update(new Contexts());
                }
            }
            default -> throw new IllegalArgumentException(tool);
        }
    }
}
