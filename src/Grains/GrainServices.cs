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
    /// Registers everything that the grains need, except storage and the interfaces to the outside world (<see cref="IUpstream"/>, <see cref="IDiscord"/>,
    /// <see cref="INotifier"/>).
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="options">The limits of conversations.</param>
    public static ISiloBuilder AddGrains(this ISiloBuilder silo, ConversationOptions options)
    {
        silo.Services.AddReplyFeeds();
        silo.Services.TryAddSingleton<NonResumableTurns>();
        silo.Services.AddSingleton(options);
        silo.Services.AddScoped<BackgroundWork>();
        silo.Services.AddSingleton<IGrainStorageSerializer>(new StateSerializer(StateJson.Default));
        silo.Services.AddSingleton(new StateRetention(
            ConversationGrain.StateName, key => GrainKeys.IsNamedConversation(key) ? options.NamedRetention : options.UnnamedRetention));
        silo.Configure<GrainCollectionOptions>(collection => collection.CollectionAge = TimeSpan.FromMinutes(5));
        silo.Services.AddSingleton<IGrainPropertiesProvider, ImmovableGrains>();
        silo.AddIncomingGrainCallFilter<CallErrors>();
        silo.AddOutgoingGrainCallFilter<CallResending>();
        return silo;
    }

    /// <summary>
    /// Registers what a process without grains needs to call them; see <see cref="CallResending"/>. The client's response timeout should be a few seconds.
    /// </summary>
    public static IClientBuilder AddGrainCalls(this IClientBuilder client)
    {
        client.Services.AddReplyFeeds();
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
}
