using CozeCluster.Upstreams.Claude;
using CozeCluster.Upstreams.Coze;
using CozeCluster.Upstreams.Gemini;
using CozeCluster.Upstreams.Notifications;
using CozeCluster.Upstreams.OpenAi;
using CozeCluster.Upstreams.PassThrough;
using CozeCluster.Upstreams.Shared.Fetching;
using CozeCluster.Upstreams.Shared.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace CozeCluster.Upstreams;

/// <summary>Registers the parts that communicate with upstreams, with receivers of notifications, and with servers of files.</summary>
public static class UpstreamServices
{
    /// <summary>
    /// Adds Coze as an <see cref="IUpstream"/>. Requires an <see cref="ISecretSeal"/>, an <see cref="IBlobStore"/> and logging. Uses the system clock unless a
    /// <see cref="TimeProvider"/> is registered.
    /// </summary>
    public static IServiceCollection AddCozeUpstream(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IUpstream, CozeUpstream>());
        return services;
    }

    /// <summary>
    /// Adds the language models as <see cref="IUpstream"/>s, with their other tasks, with credentials of requests and an <see cref="ISecretFilter"/>. Requires
    /// an <see cref="ISecretSeal"/>, an <see cref="IBlobStore"/>, an <see cref="ISafeFetcher"/> and logging. Uses the system clock unless a
    /// <see cref="TimeProvider"/> is registered.
    /// </summary>
    public static IServiceCollection AddLanguageModels(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IRequestCredentials, RequestCredentials>();
        services.TryAddSingleton<ISecretFilter, SecretFilter>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IUpstream, OpenAiUpstream>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IModelTaskUpstream, OpenAiTasks>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IUpstream, ClaudeUpstream>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IUpstream, GeminiUpstream>());
        return services;
    }

    /// <summary>Adds an <see cref="IPassThrough"/>. Needs an <see cref="ISecretSeal"/>.</summary>
    public static IServiceCollection AddPassThrough(this IServiceCollection services)
    {
        services.TryAddSingleton<IPassThrough, PassThroughSender>();
        return services;
    }

    /// <summary>Adds the <see cref="IUpstreamProbe"/>s of Coze and of the language models. Needs an <see cref="ISecretSeal"/> and logging.</summary>
    public static IServiceCollection AddUpstreamProbes(this IServiceCollection services)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IUpstreamProbe, CozeProbe>());
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IUpstreamProbe, LanguageModelProbe>());
        return services.AddPassThrough();
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
    /// <param name="services">The services to add to.</param>
    /// <param name="allowLoopback">Whether it may fetch from loopback addresses. Only for nodes with a sandbox. Default: false.</param>
    public static IServiceCollection AddSafeFetcher(this IServiceCollection services, bool allowLoopback = false)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<ISafeFetcher>(provider => new SafeFetcher(provider.GetRequiredService<TimeProvider>(), allowLoopback));
        return services;
    }
}
