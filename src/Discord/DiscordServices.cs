using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace CozeCluster.Discord;

/// <summary>Adds Discord to a host that runs grains.</summary>
public static class DiscordServices
{
    /// <summary>
    /// Adds the Discord upstream, the services and states of its grains, and the <see cref="IDiscordPosting"/> of account grains. The host needs the grains
    /// (<see cref="GrainServices.AddGrains"/>), an <see cref="ISecretSeal"/>, an <see cref="IBlobStore"/> and logging. Uses the system clock unless a
    /// <see cref="TimeProvider"/> is registered.
    /// </summary>
    public static IServiceCollection AddDiscord(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<DiscordApi>();
        services.TryAddSingleton<IDiscordApi>(provider => provider.GetRequiredService<DiscordApi>());
        services.TryAddSingleton<IDiscordPosting>(provider => provider.GetRequiredService<DiscordApi>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IUpstream, DiscordUpstream>());
        services.TryAddSingleton<ListenerConnector>();
        return services.AddStateTypes(DiscordStateJson.Default);
    }

    /// <summary>Adds the <see cref="IUpstreamProbe"/> of Discord. Needs an <see cref="ISecretSeal"/> and logging, but no grains.</summary>
    public static IServiceCollection AddDiscordProbe(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IUpstreamProbe, DiscordProbe>());
        return services;
    }
}

/// <summary>
/// How the states of this project's grains are stored. Names are fixed: add, never rename. Only nulls are left out: a missing field reads as its declared
/// default.
/// </summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(DiscordSessionState))]
[JsonSerializable(typeof(ChannelJanitorState))]
[JsonSerializable(typeof(GuildCategoriesState))]
[JsonSerializable(typeof(GuildChannelsState))]
internal sealed partial class DiscordStateJson : JsonSerializerContext;
