using System.Security.Cryptography;
using CozeCluster.Gateway.Http;
using Microsoft.AspNetCore.Http;

namespace CozeCluster.Gateway.Surfaces.Cdb;

/// <summary>Finds and creates the conversations of a tenant by the names of its clients.</summary>
internal sealed class CdbConversations(IGrainFactory grains, TimeProvider time)
{
    /// <summary>Ids of Discord count milliseconds from 2015 on, and have this number of bits behind them.</summary>
    private const int IdRandomBits = 22;

    private static readonly DateTimeOffset IdEpoch = new(2015, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The list of the request's tenant.</summary>
    public IBridgeConversationsGrain Of(HttpContext context) => grains.Grain<IBridgeConversationsGrain>(RequestInfo.TenantIdOf(context));

    /// <exception cref="ClusterException">There is no such conversation.</exception>
    public async ValueTask<BridgeConversation> Require(HttpContext context, string name) =>
        await Of(context).Find(name) ?? throw Unknown(context);

    /// <summary>Creates a conversation.</summary>
    /// <exception cref="ClusterException">Another one has the name, the name is not valid, or there are too many.</exception>
    public async ValueTask<BridgeConversation> Create(HttpContext context, string name) =>
        await Of(context).Create(NewId(), name) ?? throw Exists(context);

    /// <summary>Finds a conversation, or creates it.</summary>
    /// <exception cref="ClusterException">It cannot be created.</exception>
    public async ValueTask<BridgeConversation> FindOrCreate(HttpContext context, string name) =>
        // Another request may create it in between.
        await Of(context).Find(name) ?? await Of(context).Create(NewId(), name) ?? await Require(context, name);

    public static ClusterException Exists(HttpContext context) =>
        CdbErrors.Named(context, "ConversationAlreadyExistsException", "There is a conversation of this name already.");

    private static ClusterException Unknown(HttpContext context) =>
        CdbErrors.Named(context, "InvalidConversationException", "There is no conversation of this name or id. Create it first.");

    /// <summary>An id as Discord's: clients may sort them, and read them as 64-bit numbers.</summary>
    private string NewId()
    {
        var milliseconds = (long)(time.GetUtcNow() - IdEpoch).TotalMilliseconds;
        return $"{milliseconds << IdRandomBits | (uint)RandomNumberGenerator.GetInt32(1 << IdRandomBits)}";
    }
}
