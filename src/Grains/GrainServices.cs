using System.Text.Json.Serialization.Metadata;
using CozeCluster.Grains;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;
using Orleans.Metadata;
using Orleans.Storage;

namespace CozeCluster;

/// <summary>Registers the grains and their services.</summary>
public static class GrainServices
{
    /// <summary>
    /// Registers everything that the grains need, except storage (<see cref="IFleetStore"/> and <see cref="IStorageProbe"/> included) and the interfaces to the
    /// outside world (<see cref="IUpstream"/>, <see cref="IDiscordPosting"/>, <see cref="INotifier"/>).
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="options">The limits of conversations.</param>
    public static ISiloBuilder AddGrains(this ISiloBuilder silo, ConversationOptions options)
    {
        silo.Services.AddReplyFeeds();
        silo.Services.AddFleetView();
        silo.Services.TryAddSingleton<NonResumableTurns>();
        silo.Services.TryAddSingleton<BotLoads>();
        silo.Services.AddSingleton(options);
        silo.Services.AddScoped<BackgroundWork>();
        silo.Services.AddStateTypes(StateJson.Default);
        silo.Services.AddSingleton<IGrainStorageSerializer>(provider => new StateSerializer(provider.GetServices<IJsonTypeInfoResolver>()));
        silo.Configure<GrainCollectionOptions>(collection => collection.CollectionAge = TimeSpan.FromMinutes(5));
        silo.Services.AddSingleton<IGrainPropertiesProvider, ImmovableGrains>();
        silo.AddIncomingGrainCallFilter<CallErrors>();
        silo.AddOutgoingGrainCallFilter<CallResending>();
        return silo;
    }

    /// <summary>Registers the state types of a project that has grains of its own. Several projects may register theirs.</summary>
    /// <param name="services">The services of the silo.</param>
    /// <param name="states">The JSON contracts of the state types. Their JSON options must be those of this project.</param>
    public static IServiceCollection AddStateTypes(this IServiceCollection services, IJsonTypeInfoResolver states)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton(typeof(IJsonTypeInfoResolver), states));
        return services;
    }

    /// <summary>
    /// Registers what a process without grains needs to call them: see <see cref="CallResending"/>; its <see cref="IFleetView"/>, and an
    /// <see cref="IStorageProbe"/> that asks a silo. The client's response timeout should be a few seconds.
    /// </summary>
    public static IClientBuilder AddGrainCalls(this IClientBuilder client)
    {
        client.Services.AddReplyFeeds();
        client.Services.AddFleetView();
        client.Services.AddSingleton<IStorageProbe>(provider =>
            ActivatorUtilities.CreateInstance<StorageWatch>(provider, ActivatorUtilities.CreateInstance<SiloStorageProbe>(provider)));
        client.AddOutgoingGrainCallFilter<CallResending>();
        return client;
    }

    /// <summary>Registers <see cref="IReplyFeeds"/> and <see cref="SiloDepartures"/>, one instance of each for the process.</summary>
    public static IServiceCollection AddReplyFeeds(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton(new NetworkClock(TimeProvider.System));
        services.TryAddSingleton(new ReplyFeedOptions());
        services.TryAddSingleton<ReplyFeeds>();
        services.TryAddSingleton<IReplyFeeds>(provider => provider.GetRequiredService<ReplyFeeds>());
        services.TryAddSingleton<SiloDepartures>();
        return services;
    }

    private static void AddFleetView(this IServiceCollection services)
    {
        services.TryAddSingleton(new FleetViewOptions());
        services.TryAddSingleton<FleetView>();
        services.TryAddSingleton<IFleetView>(provider => provider.GetRequiredService<FleetView>());
        services.AddHostedService<FleetViewPolling>();
    }
}
