using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Metrics;
using CozeCluster.Gateway.Surfaces.Admin;
using CozeCluster.Gateway.Surfaces.AiProxy;
using CozeCluster.Gateway.Surfaces.Attachments;
using CozeCluster.Gateway.Surfaces.Billing;
using CozeCluster.Gateway.Surfaces.Cdp;
using CozeCluster.Gateway.Surfaces.Ccp;
using CozeCluster.Gateway.Surfaces.Cdb;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Conversations;
using CozeCluster.Gateway.Surfaces.Embeddings;
using CozeCluster.Gateway.Surfaces.Health;
using CozeCluster.Gateway.Surfaces.Images;
using CozeCluster.Gateway.Surfaces.Models;
using CozeCluster.Gateway.Surfaces.OpenApi;
using CozeCluster.Gateway.Surfaces.Rca;
using CozeCluster.Gateway.Surfaces.Turns;
using CozeCluster.Gateway.Surfaces.UsageReports;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.DependencyInjection;

namespace CozeCluster.Gateway;

/// <summary>Maps the gateway's routes in a web application.</summary>
public static class GatewayEndpoints
{
    /// <summary>Maps all API surfaces, and everything that <see cref="MapOperations"/> maps.</summary>
    public static WebApplication MapGateway(this WebApplication app)
    {
        app.MapOperations();
        ChatApi.Map(app);
        ImagesApi.Map(app);
        ModelTasksApi.Map(app);
        AttachmentsApi.Map(app);
        app.MapModels();
        TurnsApi.Map(app);
        ConversationsApi.Map(app);
        BillingApi.Map(app);
        UsageApi.Map(app);
        app.MapCdp();
        app.MapCcp();
        app.MapCdb();
        RcaApi.Map(app);
        app.MapAiProxy();
        if (app.Services.GetRequiredService<GatewayOptions>().Swagger) ApiDocument.Map(app);
        return app;
    }

    /// <summary>
    /// Maps the health and metrics routes, and adds the middleware that every route needs: request ids, error bodies on every path, CORS and authentication.
    /// A node that serves no clients maps only this.
    /// </summary>
    public static WebApplication MapOperations(this WebApplication app)
    {
        app.UseMiddleware<RequestEnvelope>();
        app.UseMiddleware<EndpointSelection>();
        app.UseMiddleware<DotSegmentRefusal>();
        app.UseMiddleware<CdpRequestIds>();
        app.UseRouting();
        app.UseCors();
        app.UseMiddleware<KeyAuthentication>();
        app.MapHealth();
        app.MapAdminHealth();
        app.MapMetrics();
        AdminApi.Map(app);
        return app;
    }

    /// <summary>
    /// Requires the admin key of a viewer, an operator or an owner for endpoints that are mapped elsewhere. A browser asks its user for the key, as a password.
    /// </summary>
    public static TBuilder RequireViewer<TBuilder>(this TBuilder endpoints) where TBuilder : IEndpointConventionBuilder =>
        endpoints.WithMetadata(new AdminRoute(AdminRole.Viewer, "openPage") { ForBrowsers = true }, new DebugLogRoute());
}
