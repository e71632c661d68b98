using CozeCluster.Gateway.Admin;
using CozeCluster.Gateway.Auth;
using CozeCluster.Gateway.Chat;
using CozeCluster.Gateway.Conversations;
using CozeCluster.Gateway.Health;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Images;
using CozeCluster.Gateway.Metrics;
using CozeCluster.Gateway.Models;
using CozeCluster.Gateway.OpenApi;
using CozeCluster.Gateway.Turns;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway;

/// <summary>Puts the gateway into a web application.</summary>
public static class GatewayEndpoints
{
    /// <summary>Maps all API surfaces and what stands around them: request ids, error bodies on every path, CORS, authentication, health.</summary>
    public static WebApplication MapGateway(this WebApplication app)
    {
        app.MapOperations();
        ChatApi.Map(app);
        ImagesApi.Map(app);
        app.MapModels();
        TurnsApi.Map(app);
        ConversationsApi.Map(app);
        if (app.Services.GetRequiredService<GatewayOptions>().Swagger) ApiDocument.Map(app);
        return app;
    }

    /// <summary>Maps what nodes without clients have too: health and metrics, with all that stands around the API.</summary>
    public static WebApplication MapOperations(this WebApplication app)
    {
        app.UseMiddleware<RequestEnvelope>();
        app.UseCors();
        app.UseMiddleware<KeyAuthentication>();
        app.MapHealth();
        app.MapAdminHealth();
        app.MapMetrics();
        return app;
    }

    /// <summary>Lets nobody onto pages of others without an admin's key. Browsers ask for it, as a password.</summary>
    public static TBuilder RequireAdmin<TBuilder>(this TBuilder pages) where TBuilder : IEndpointConventionBuilder =>
        pages.WithMetadata(new AdminRoute(OpenToThisMachine: false, ForBrowsers: true), new QuietRoute());
}
