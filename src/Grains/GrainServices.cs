using System.Text.Json.Serialization.Metadata;
using CozeCluster.Grains;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Orleans.Configuration;
using Orleans.Storage;

namespace CozeCluster;

/// <summary>Adds the grains to a host.</summary>
public static class GrainServices
{
    /// <summary>
    /// Adds what the grains need, except storage and what is outside of the cluster (<see cref="IUpstream"/>, <see cref="IDiscordPosting"/>, <see cref="INotifier"/>).
    /// </summary>
    /// <param name="silo">The silo.</param>
    /// <param name="options">Limits of conversations.</param>
    public static ISiloBuilder AddGrains(this ISiloBuilder silo, ConversationOptions options)
    {
        silo.Services.AddReplyFeeds();
        silo.Services.TryAddSingleton<NonResumableTurns>();
        silo.Services.AddSingleton(options);
        silo.Services.AddScoped<BackgroundWork>();
        silo.Services.AddStateTypes(StateJson.Default);
        silo.Services.AddSingleton<IGrainStorageSerializer>(provider => new StateSerializer(provider.GetServices<IJsonTypeInfoResolver>()));
        silo.Services.AddSingleton(new StateRetention(
            ConversationGrain.StateName, key => GrainKeys.IsNamedConversation(key) ? options.NamedRetention : options.FreshRetention));
        silo.Configure<GrainCollectionOptions>(collection => collection.CollectionAge = TimeSpan.FromMinutes(5));
        silo.AddIncomingGrainCallFilter<CallErrors>();
        silo.AddOutgoingGrainCallFilter<CallResending>();
        return silo;
    }

    /// <summary>Adds state types, for a project that has grains of its own. Several projects may add theirs.</summary>
    /// <param name="services">The silo's services.</param>
    /// <param name="states">Knows the types, with the same JSON options as those of this project.</param>
    public static IServiceCollection AddStateTypes(this IServiceCollection services, IJsonTypeInfoResolver states)
    {
        services.TryAddEnumerable(ServiceDescriptor.Singleton(typeof(IJsonTypeInfoResolver), states));
        return services;
    }

    /// <summary>Makes a process without grains call them as a silo does: see <see cref="CallResending"/>. The client's response timeout should be a few seconds.</summary>
    public static IClientBuilder AddGrainCalls(this IClientBuilder client)
    {
        client.Services.AddReplyFeeds();
        client.AddOutgoingGrainCallFilter<CallResending>();
        return client;
    }

    /// <summary>Adds <see cref="IReplyFeeds"/> and <see cref="SiloDepartures"/>, one of each for a process.</summary>
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
