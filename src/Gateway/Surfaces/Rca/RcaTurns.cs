using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Chat;
using CozeCluster.Gateway.Surfaces.Models;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Rca;

/// <summary>Starts turns for histories. Each is a conversation of its own, because clients send the whole history each time.</summary>
internal sealed class RcaTurns(IFleetView fleet, TurnStarter starter)
{
    private static readonly TurnHeaders NoHeaders = new(null, null, false);

    /// <summary>Starts a turn.</summary>
    /// <param name="context">The request, or the one that opened the WebSocket.</param>
    /// <param name="history">The messages.</param>
    /// <param name="aborted">Cancelled when the client disconnects.</param>
    /// <exception cref="ClusterException">There is no model, or see <see cref="TurnStarter.Start"/>.</exception>
    public ValueTask<StartedTurn> Start(HttpContext context, RcaMessages history, CancellationToken aborted)
    {
        var key = RequestInfo.KeyOf(context);
        var model = fleet.RequireModel(key, RcaOptions.ModelOf(context) ?? FindDefault(key)).Id;
        RequestInfo.Of(context).Model = model;
        var request = new ChatRequest
        {
            Model = model, Messages = history.Messages, Uploads = history.Uploads, PromptLength = history.Length, Fingerprint = "",
        };
        return starter.Start(key, request, NoHeaders, aborted);
    }

    /// <summary>Histories name no model. A server of Real-Coze-API had one bot.</summary>
    private string FindDefault(RequestKey key) =>
        fleet.FindTenant(key.TenantId)?.DefaultModel
        ?? (fleet.ListModels(key) is [var only] ? only.Id : null)
        ?? throw new ClusterException(
            ErrorCode.ModelNotFound, "This API names no model. In the fleet file, set 'default_model' of the tenant, or the option 'model' of the endpoint.");
}
