using System.Security.Cryptography;
using System.Text.RegularExpressions;

namespace CozeCluster.Security.Tests.Tenants;

/// <summary>Every kind of id that a client can write into a request.</summary>
internal sealed partial record Ids
{
    /// <summary>The name of a conversation.</summary>
    public required string Conversation { get; init; }

    /// <summary>The idempotency key of a turn without a conversation name.</summary>
    public required string IdempotencyKey { get; init; }

    /// <summary>A turn that has ended, without a conversation name.</summary>
    public required string TurnId { get; init; }

    /// <summary>A turn that has ended, of the conversation.</summary>
    public required string NamedTurnId { get; init; }

    /// <summary>A turn that runs.</summary>
    public required string RunningTurnId { get; init; }

    /// <summary>A call that waits for its result.</summary>
    public required string ToolCallId { get; init; }

    /// <summary>A cursor in the reply of a turn.</summary>
    public required string Cursor { get; init; }

    /// <summary>A file that a client sent.</summary>
    public required string BlobId { get; init; }

    /// <summary>A channel on Discord that a tenant has created.</summary>
    public required string ChannelId { get; init; }

    /// <summary>A model that only one tenant may use.</summary>
    public required string Model { get; init; }

    /// <summary>The tenant itself. It is short, so it is not replaced in texts.</summary>
    public required string TenantId { get; init; }

    /// <summary>The number of a conversation for clients of the Bridge.</summary>
    public required string BridgeId { get; init; }

    /// <summary>Ids of the same form that nothing has.</summary>
    public Ids Unknown() => new()
    {
        Conversation = $"talk-{Guid.NewGuid():n}",
        IdempotencyKey = $"key-{Guid.NewGuid():n}",
        TurnId = Scramble(TurnId),
        NamedTurnId = Scramble(NamedTurnId),
        RunningTurnId = Scramble(RunningTurnId),
        ToolCallId = Scramble(ToolCallId),
        Cursor = Cursor,
        BlobId = Scramble(BlobId),
        ChannelId = $"{RandomNumberGenerator.GetInt32(int.MaxValue)}{RandomNumberGenerator.GetInt32(1_000_000, 10_000_000)}",
        Model = "no-such-model",
        TenantId = "nobody",
        BridgeId = $"{RandomNumberGenerator.GetInt32(1, int.MaxValue)}{RandomNumberGenerator.GetInt32(100_000_000, 1_000_000_000)}",
    };

    /// <summary>Replaces the ids in a text, so that answers about different ids can be compared.</summary>
    public string Mask(string text)
    {
        string[] ids = [Conversation, IdempotencyKey, TurnId, NamedTurnId, RunningTurnId, ToolCallId, BlobId, ChannelId, Model, BridgeId];
        foreach (var id in ids.OrderByDescending(id => id.Length)) text = text.Replace(id, "(id)", StringComparison.Ordinal);
        return text;
    }

    private static string Scramble(string id) => Token().Replace(id, static _ => GrainKeys.Encode(RandomNumberGenerator.GetBytes(16)));

    [GeneratedRegex("[0-9a-z]{26}")]
    private static partial Regex Token();
}
