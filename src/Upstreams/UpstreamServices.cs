using CozeCluster.Upstreams.Coze;
using CozeCluster.Upstreams.Fetching;
using CozeCluster.Upstreams.Notifications;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace CozeCluster.Upstreams;

/// <summary>How a host takes in what reaches the outside world.</summary>
public static class UpstreamServices
{
    /// <summary>Adds Coze as an <see cref="IUpstream"/>. Needs an <see cref="ISecretSeal"/>, an <see cref="IBlobStore"/> and logging; the clock is the system's unless there is another.</summary>
    public static IServiceCollection AddCozeUpstream(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IUpstream, CozeUpstream>());
        return services;
    }

    /// <summary>Adds the <see cref="INotifier"/>s: webhook and Telegram. Needs an <see cref="ISecretSeal"/>.</summary>
    public static IServiceCollection AddNotifiers(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<NotificationHttp>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<INotifier, WebhookNotifier>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<INotifier, TelegramNotifier>());
        return services;
    }

    /// <summary>Adds an <see cref="ISafeFetcher"/>.</summary>
    /// <param name="services">Where to.</param>
    /// <param name="allowThisMachine">Whether it may fetch from loopback addresses: only where nothing but a sandbox listens there. Default: no.</param>
    public static IServiceCollection AddSafeFetcher(this IServiceCollection services, bool allowThisMachine = false)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ISafeFetcher>(provider => new SafeFetcher(provider.GetRequiredService<TimeProvider>(), allowThisMachine));
        return services;
    }
}
