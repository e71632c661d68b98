using CozeCluster.Engine.Orleans;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Npgsql;
using Orleans.Configuration;
using Orleans.GrainReferences;
using Orleans.Metadata;
using Orleans.Serialization;
using Orleans.Serialization.Cloning;
using Orleans.Serialization.Configuration;
using Orleans.Serialization.Serializers;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the Orleans engine.</summary>
public static class OrleansEngineServices
{
    private const string Invariant = "Npgsql";

    // Longer than any but the slowest calls take.
    private static readonly TimeSpan ResendAfter = TimeSpan.FromSeconds(3);

    /// <summary>
    /// Makes this process a silo: it hosts grains, and finds those of the whole cluster. Adds <see cref="CozeCluster.IGrains"/>, <see cref="CozeCluster.IBlobStore"/> and hosted services
    /// that start and stop it; register it before whatever calls grains. A <see cref="TimeProvider"/> among the services is used.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="definitions">Every kind of grain; the same on every node.</param>
    /// <param name="configure">Changes the options.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static IServiceCollection AddOrleansSilo(
        this IServiceCollection services, IEnumerable<CozeCluster.GrainDefinition> definitions, Action<OrleansEngineOptions> configure)
    {
        var options = services.AddShared(definitions, configure);
        services.AddSingleton<OrleansSilo>();
        services.AddScoped<CozeCluster.IGrainContext, GrainContext>();
        services.AddScoped(typeof(CozeCluster.IGrainContext<>), typeof(GrainContext<>));
        services.AddHostedService<Housekeeping>();
        services.AddHostedService<MembershipWatch>();
        services.AddOrleans(builder =>
        {
            builder.Configure<ClusterOptions>(cluster => Name(cluster, options));
            builder.Configure<SiloOptions>(own => own.SiloName = options.SiloName ?? $"{Environment.MachineName}-{options.SiloPort}");
            builder.ConfigureEndpoints(options.AdvertisedAddress, options.SiloPort, options.GatewayPort, options.ListenOnAnyAddress);
            builder.Configure<ClusterMembershipOptions>(membership => DetectFailuresFast(membership, options));
            builder.Configure<SiloMessagingOptions>(messaging => messaging.ResponseTimeout = options.CallTimeout);
            // The default directory forgets grains of living silos with a silo that dies, and may know two of one grain while silos come and go.
#pragma warning disable ORLEANSEXP003
            builder.AddDistributedGrainDirectory();
#pragma warning restore ORLEANSEXP003
            builder.UseAdoNetClustering(store => (store.Invariant, store.ConnectionString) = (Invariant, options.ConnectionString));
            builder.UseAdoNetReminderService(store => (store.Invariant, store.ConnectionString) = (Invariant, options.ConnectionString));
            builder.AddAdoNetGrainStorageAsDefault(store =>
            {
                (store.Invariant, store.ConnectionString) = (Invariant, ConnectionStrings.ForStates(options));
                store.DeleteStateOnClear = true;
                store.GrainStorageSerializer = new StoredStateSerializer();
            });
            builder.AddIncomingGrainCallFilter<IncomingCalls>();
            builder.Services.AddSingleton<IGrainPropertiesProvider, DefinedProperties>();
            builder.UseCertificate(options);
            builder.UseDashboard(options);
        });
        return services;
    }

    /// <summary>
    /// Makes this process a client of the cluster: it finds grains, but hosts none. Adds the same services as <see cref="AddOrleansSilo"/>. Starting waits until a silo is there.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="definitions">Every kind of grain; the same on every node.</param>
    /// <param name="configure">Changes the options; addresses and ports do not matter here.</param>
    /// <exception cref="ArgumentException">An option is out of range.</exception>
    public static IServiceCollection AddOrleansGateway(
        this IServiceCollection services, IEnumerable<CozeCluster.GrainDefinition> definitions, Action<OrleansEngineOptions> configure)
    {
        var options = services.AddShared(definitions, configure);
        options.ResendAfter = ResendAfter;
        services.AddSingleton<IClientConnectionRetryFilter, ConnectionRetries>();
        services.AddOrleansClient(builder =>
        {
            builder.Configure<ClusterOptions>(cluster => Name(cluster, options));
            builder.Configure<ClientMessagingOptions>(messaging => messaging.ResponseTimeout = options.CallTimeout);
            builder.Configure<GatewayOptions>(gateway => gateway.GatewayListRefreshPeriod = TimeSpan.FromSeconds(5));
            builder.UseAdoNetClustering(store => (store.Invariant, store.ConnectionString) = (Invariant, options.ConnectionString));
            builder.UseCertificate(options);
            builder.UseDashboard(options);
            // However a silo ends, its connections end with it.
            builder.AddGatewayCountChangedHandler(provider => (_, silos) =>
            {
                if (silos.NumberOfConnectedGateways < silos.PreviousNumberOfConnectedGateways) provider.GetRequiredService<GoneNodes>().Tell();
            });
        });
        return services;
    }

    private static OrleansEngineOptions AddShared(
        this IServiceCollection services, IEnumerable<CozeCluster.GrainDefinition> definitions, Action<OrleansEngineOptions> configure)
    {
        var options = new OrleansEngineOptions { Definitions = [.. definitions] };
        configure(options);
        options.Verify();
        options.ConnectionString = ConnectionStrings.WithDefaults(options.ConnectionString);
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(options);
        services.AddSingleton<CozeCluster.IGrains, OrleansGrains>();
        services.AddSingleton<GoneNodes>();
        services.AddSingleton<ObserverHub>();
        services.AddSingleton<Couriers>();
        services.AddSingleton<References>();
        // Before Orleans' own, which then is not asked for what is ours.
        services.AddSingleton<IGrainReferenceActivatorProvider>(provider => provider.GetRequiredService<References>());
        services.AddSingleton(_ => NpgsqlDataSource.Create(options.ConnectionString));
        services.AddSingleton<PostgresBlobStore>();
        services.AddSingleton<CozeCluster.IBlobStore>(provider => provider.GetRequiredService<PostgresBlobStore>());
        services.AddSingleton<MessageTypes>();
        services.AddSingleton<MessageCodec>();
        services.AddSingleton<IGeneralizedCodec>(provider => provider.GetRequiredService<MessageCodec>());
        services.AddSingleton<IGeneralizedCopier>(provider => provider.GetRequiredService<MessageCodec>());
        services.AddSingleton<ITypeFilter>(provider => provider.GetRequiredService<MessageCodec>());
        services.Configure<TypeManifestOptions>(types => types.WellKnownTypeIds[MessageCodec.WellKnownId] = typeof(MessageCodec));
        return options;
    }

    private static void Name(ClusterOptions cluster, OrleansEngineOptions options) => (cluster.ClusterId, cluster.ServiceId) = (options.ClusterId, options.ServiceId);

    private static void DetectFailuresFast(ClusterMembershipOptions membership, OrleansEngineOptions options)
    {
        membership.ProbeTimeout = options.ProbeTimeout;
        membership.NumMissedProbesLimit = 3;
        membership.TableRefreshTimeout = TimeSpan.FromSeconds(5);
        membership.IAmAliveTablePublishTimeout = TimeSpan.FromSeconds(5);
    }
}
