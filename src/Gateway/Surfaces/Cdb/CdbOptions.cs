using System.Globalization;
using CozeCluster.Gateway.Compat;
using CozeCluster.Gateway.Http;
using CozeCluster.Gateway.Surfaces.Models;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>What the prompt of a chat completion consists of, and which conversation receives it. The numbers are those of the old configuration.</summary>
internal enum CdbFlatten
{
    /// <summary>The user's last message, to the default conversation.</summary>
    LastOfUser = 0,

    /// <summary>All messages, to the conversation that the model names; to the default one if it is the name of a model.</summary>
    AllByModel = 1,

    /// <summary>The last message, to the conversation that the model names.</summary>
    LastByModel = 2,

    /// <summary>All messages, to the default conversation.</summary>
    All = 3,
}

/// <summary>The settings of the endpoint of a request.</summary>
internal sealed class CdbOptions(HttpContext context)
{
    public const string EndBoth = "both";
    public const string EndDone = "done";
    public const string EndPrompt = "prompt";

    public CdbFlatten Flatten => Option("flatten") is { } mode ? (CdbFlatten)(mode[0] - '0') : CdbFlatten.All;

    public string Prefix => Option("prefix") ?? "";

    public string Suffix => Option("suffix") ?? "";

    public string DefaultConversation => Option("default_conversation") ?? "default";

    public string ImageConversation => Option("image_conversation") ?? DefaultConversation;

    public string ImagePrefix => Option("image_prefix") ?? "画图";

    public string ImageSuffix => Option("image_suffix") ?? "";

    /// <summary>What the last event of a streamed reply has: the members of the old documentation, those of the old program, or both.</summary>
    public string StreamEnd => Option("stream_end") ?? EndBoth;

    public string KeepaliveConversation => Option("keepalive_conversation") ?? "keepalive";

    public string KeepaliveMessage => Option("keepalive_message") ?? "keepalive";

    /// <summary>Only bots that have not been used for this time get a keep-alive message.</summary>
    public TimeSpan KeepaliveAfter => TimeSpan.FromMinutes(
        Option("keepalive_minutes") is { } minutes ? int.Parse(minutes, NumberStyles.None, CultureInfo.InvariantCulture) : 720);

    /// <summary>Finds the model of a request. In the old system the key alone chose the bot.</summary>
    /// <param name="fleet">The fleet.</param>
    /// <param name="tenantId">The tenant.</param>
    /// <param name="requested">The model that the client has named; null if it named none.</param>
    /// <returns>The requested model if the tenant has it; otherwise the default of the endpoint, that of the tenant, or the tenant's only model.</returns>
    /// <exception cref="ClusterException"><see cref="ErrorCode.ModelNotFound"/>.</exception>
    public ModelDefinition FindModel(IFleetView fleet, string tenantId, string? requested = null)
    {
        if (requested is not null && fleet.FindModel(tenantId, requested) is { } found) return found;
        if ((Option("default_model") ?? fleet.FindTenant(tenantId)?.DefaultModel) is { } name) return fleet.RequireModel(RequestInfo.KeyOf(context), name);
        var key = RequestInfo.KeyOf(context);
        return fleet.ListModels(key) is [var only]
            ? fleet.RequireModel(key, only.Id)
            : throw new ClusterException(ErrorCode.ModelNotFound, "No model is set for requests that name none: set default_model of the tenant.", "model");
    }

    private string? Option(string name) => CompatRequest.Option(context, name);
}
