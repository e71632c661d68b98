using CozeCluster.Storage;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Orleans.Configuration;
using Orleans.Providers;
using Orleans.Runtime.Hosting;
using Orleans.Storage;

namespace Orleans.Hosting;

/// <summary>
/// Registers storage. The services must contain a <see cref="IGrainStorageSerializer"/>, and may contain a <see cref="TimeProvider"/> and
/// <see cref="CozeCluster.TurnRetention"/>.
/// </summary>
public static class StorageHosting
{
    private const string Invariant = "Npgsql";

    /// <summary>
    /// Stores states, reminders, the fleet, conversations and blobs of a single node in its data directory. The start of the host throws a
    /// <see cref="CozeCluster.ClusterException"/> if another process uses the directory, if the database is damaged or lacks commits, or if another version
    /// wrote it. The database is closed when all hosted services have stopped. Also registers the <see cref="CozeCluster.IStorageProbe"/>.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Changes the options.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static ISiloBuilder AddSqliteStorage(this ISiloBuilder builder, Action<SqliteStorageOptions>? configure = null)
    {
        var options = new SqliteStorageOptions();
        configure?.Invoke(options);
        options.Verify();
        var services = builder.Services;
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<SqliteStore>();
        services.AddHostedService(provider => provider.GetRequiredService<SqliteStore>());
        services.AddGrainStorage(
            ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, static (provider, _) => ActivatorUtilities.CreateInstance<SqliteGrainStorage>(provider));
        services.AddReminders();
        services.AddSingleton<IReminderTable, SqliteReminderTable>();
        services.AddSingleton(provider => provider.GetRequiredService<SqliteStore>().Blobs);
        services.AddSingleton<SqliteConversationStore>();
        services.AddSingleton<CozeCluster.IConversationStore>(provider => provider.GetRequiredService<SqliteConversationStore>());
        services.AddSingleton<CozeCluster.ITurnLog>(provider => provider.GetRequiredService<SqliteConversationStore>());
        services.TryAddSingleton(CozeCluster.TurnRetention.Default);
        services.AddSingleton<IExpiringStore>(provider => provider.GetRequiredService<SqliteStore>());
        services.AddSingleton<CozeCluster.IFleetStore, SqliteFleetStore>();
        services.AddSingleton<CozeCluster.ILedgerStore, SqliteLedgerStore>();
        services.AddSingleton<CozeCluster.IAuditLog, SqliteAuditLog>();
        services.AddStorageProbe<SqliteStorageProbe, SqliteStore>();
        services.AddHostedService<ExpirationService>();
        return builder;
    }

    /// <summary>
    /// Stores states, reminders, the fleet, conversations and blobs in PostgreSQL, which all nodes of a cluster share, under the service id of Orleans'
    /// <c>ClusterOptions</c>. The start of the host throws a <see cref="CozeCluster.ClusterException"/> if the database cannot be reached or does not have the
    /// schema of this build. Also registers the <see cref="CozeCluster.IStorageProbe"/>, but not cluster membership.
    /// </summary>
    /// <param name="builder">The silo.</param>
    /// <param name="configure">Changes the options; the connection string is required.</param>
    /// <exception cref="ArgumentException">An option is missing or out of range.</exception>
    public static ISiloBuilder AddPostgresStorage(this ISiloBuilder builder, Action<PostgresStorageOptions> configure)
    {
        var services = builder.Services;
        services.AddPostgresBlobs(configure);
        services.AddHostedService<PostgresStartupCheck>();
        services.AddSingleton<PostgresConversationStore>();
        services.AddHostedService(provider => provider.GetRequiredService<PostgresConversationStore>());
        services.AddSingleton<CozeCluster.IConversationStore>(provider => provider.GetRequiredService<PostgresConversationStore>());
        services.AddSingleton<CozeCluster.ITurnLog, PostgresTurnLog>();
        services.AddAdoNetGrainStorage(PostgresGrainStorage.AdoNet, static (OptionsBuilder<AdoNetGrainStorageOptions> storage) =>
            storage.Configure<PostgresDatabase>(static (orleans, database) =>
            {
                orleans.Invariant = Invariant;
                orleans.DataSource = database.States;
                orleans.DeleteStateOnClear = true;
                orleans.GrainStorageSerializer = new StoredPayload.Serializer();
            }));
        services.AddGrainStorage(ProviderConstants.DEFAULT_STORAGE_PROVIDER_NAME, static (provider, _) =>
            ActivatorUtilities.CreateInstance<PostgresGrainStorage>(provider, provider.GetRequiredKeyedService<IGrainStorage>(PostgresGrainStorage.AdoNet)));
        services.UseAdoNetReminderService(static table => table.Configure<PostgresDatabase>(static (orleans, database) =>
        {
            orleans.Invariant = Invariant;
            orleans.DataSource = database.Source;
        }));
        services.TryAddSingleton(CozeCluster.TurnRetention.Default);
        services.AddSingleton<IExpiringStore, PostgresExpiringStore>();
        services.AddSingleton<CozeCluster.IFleetStore, PostgresFleetStore>();
        services.AddSingleton<CozeCluster.ILedgerStore, PostgresLedgerStore>();
        services.AddSingleton<CozeCluster.IAuditLog, PostgresAuditLog>();
        services.AddStorageProbe<PostgresStorageProbe, PostgresDatabase>();
        services.AddHostedService<ExpirationService>();
        return builder;
    }

    /// <summary>Registers the <see cref="CozeCluster.IBlobStore"/> of a cluster, for a process without a silo.</summary>
    /// <param name="services">The services.</param>
    /// <param name="configure">Changes the options; the connection string is required.</param>
    /// <exception cref="ArgumentException">An option is missing or out of range.</exception>
    public static IServiceCollection AddPostgresBlobs(this IServiceCollection services, Action<PostgresStorageOptions> configure)
    {
        var options = new PostgresStorageOptions();
        configure(options);
        options.Verify();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<PostgresDatabase>();
        services.AddSingleton<PostgresBlobStore>();
        services.AddSingleton<CozeCluster.IBlobStore>(provider => provider.GetRequiredService<PostgresBlobStore>());
        return services;
    }
}
