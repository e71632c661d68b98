using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Metrics;
using CozeCluster.Gateway.Replies;
using CozeCluster.Gateway.Surfaces.Admin;
using CozeCluster.Gateway.Surfaces.AiProxy;
using CozeCluster.Gateway.Surfaces.Cdp;
using CozeCluster.Gateway.Surfaces.Ccp;
using CozeCluster.Gateway.Surfaces.Cdb;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Conversations;
using CozeCluster.Gateway.Surfaces.Embeddings;
using CozeCluster.Gateway.Surfaces.Health;
using CozeCluster.Gateway.Surfaces.Images;
using CozeCluster.Gateway.Surfaces.OpenApi;
using CozeCluster.Gateway.Surfaces.Rca;
using CozeCluster.Gateway.Surfaces.Turns;
using CozeCluster.Gateway.Surfaces.UsageReports;
using Microsoft.AspNetCore.Cors.Infrastructure;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;

namespace CozeCluster.Gateway;

/// <summary>Adds the gateway's services to a host.</summary>
public static class GatewayServices
{
    /// <summary>
    /// Adds the services that <see cref="GatewayEndpoints.MapGateway"/> needs. The host must also register an <see cref="IGrainFactory"/>, an
    /// <see cref="IFleetView"/>, an <see cref="IReplyFeeds"/>, <see cref="SiloDepartures"/>, an <see cref="IBlobStore"/>, an <see cref="IStorageProbe"/> and an
    /// <see cref="ISafeFetcher"/>.
    /// </summary>
    /// <exception cref="OptionsValidationException">Thrown when the host starts and an option is out of its range.</exception>
    public static IServiceCollection AddGateway(this IServiceCollection services, Action<GatewayOptions>? configure = null)
    {
        var builder = services.AddOptions<GatewayOptions>().ValidateOnStart();
        if (configure is not null) builder.Configure(configure);
        services.AddSingleton<IValidateOptions<GatewayOptions>, GatewayOptionsValidator>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton(static provider => provider.GetRequiredService<IOptions<GatewayOptions>>().Value);
        services.AddSingleton<Readiness>();
        services.AddSingleton<ReadyCheck>();
        services.AddSingleton<GatewayMetrics>();
        services.AddMetricsExport();
        services.AddSingleton<BodyBudget>();
        services.AddSingleton<WrongKeys>();
        services.AddSingleton<ApiKeys>();
        services.AddAdminApi();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<MatcherPolicy, CompatMatcherPolicy>());
        services.AddSingleton<ReplyReaderServices>();
        services.AddSingleton<RunningReplies>();
        services.AddSingleton<TurnStarter>();
        services.AddSingleton<ReplyStreamer>();
        services.AddSingleton<ChatApi>();
        services.AddSingleton<ChatChoices>();
        services.AddSingleton<ImageTurns>();
        services.AddSingleton<ImagesApi>();
        services.AddSingleton<ModelTasksApi>();
        services.AddSingleton<TurnsApi>();
        services.AddSingleton<ConversationsApi>();
        services.AddSingleton<UsageReporter>();
        services.AddCdp();
        services.AddCcp();
        services.AddCdb();
        services.AddRealCozeApi();
        services.AddAiProxy();
        services.AddCors();
        services.AddOptions<CorsOptions>()
            .Configure<GatewayOptions>(static (cors, options) => cors.AddDefaultPolicy(policy => ConfigureCors(policy, options)));
        services.AddRouting();
        ApiDocument.Add(services);
        return services;
    }

    private static void ConfigureCors(CorsPolicyBuilder policy, GatewayOptions options)
    {
        if (options.CorsOrigins.Count == 0) policy.AllowAnyOrigin();
        else policy.WithOrigins([.. options.CorsOrigins]);
        policy.AllowAnyHeader().AllowAnyMethod().SetPreflightMaxAge(TimeSpan.FromMinutes(10))
            .WithExposedHeaders(
                "etag", "x-request-id", "x-turn-id", "x-conversation-id", "x-bot", "x-attempts", "retry-after", "retry-after-ms", "x-should-retry");
    }
}
