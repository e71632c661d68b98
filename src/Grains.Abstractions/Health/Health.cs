using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>What a health entry is about.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<HealthKind>))]
[GenerateSerializer, Alias("health-kind")]
public enum HealthKind
{
    /// <summary>A bot.</summary>
    Bot,

    /// <summary>An account.</summary>
    Account,

    /// <summary>A Discord listener's gateway connection.</summary>
    Listener,
}

/// <summary>The state of something in the fleet.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<HealthState>))]
[GenerateSerializer, Alias("health-state")]
public enum HealthState
{
    /// <summary>Nothing is known yet: it was not used since it is in the fleet.</summary>
    Unknown,

    /// <summary>It works.</summary>
    Ok,

    /// <summary>It is on its way to work.</summary>
    Connecting,

    /// <summary>It rests until a known time, and is fit by itself then.</summary>
    Cooling,

    /// <summary>The upstream does not have it any more; an operator has to act. It is tried now and then.</summary>
    SetAside,

    /// <summary>It fails; it is tried now and then.</summary>
    Failing,
}

/// <summary>The state of one bot, account or listener.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Id">Its id in the fleet; for listeners followed by a point and the shard.</param>
/// <param name="State">Its state.</param>
[GenerateSerializer, Immutable, Alias("health-entry")]
public sealed record HealthEntry(HealthKind Kind, string Id, HealthState State)
{
    /// <summary>Why, in words for operators; no secrets. Null where there is nothing to say.</summary>
    [Id(0)]
    public string? Reason { get; init; }

    /// <summary>The error behind it.</summary>
    [Id(1)]
    public ErrorCode? Code { get; init; }

    /// <summary>Since when it has this state.</summary>
    [Id(2)]
    public DateTimeOffset Since { get; init; }

    /// <summary>When it is tried again, or fit again.</summary>
    [Id(3)]
    public DateTimeOffset? Until { get; init; }

    /// <summary>For a bot that is kept active: what became of the last message; null if there was none yet.</summary>
    [Id(4)]
    public KeepActiveResult? KeepActive { get; init; }
}

/// <summary>What became of a keep-active message.</summary>
/// <param name="At">When it was sent.</param>
/// <param name="Error">Null if the bot answered.</param>
[GenerateSerializer, Immutable, Alias("keep-active-result")]
public sealed record KeepActiveResult(DateTimeOffset At, string? Error);

/// <summary>Tells operators of a change.</summary>
/// <param name="Entry">The state now.</param>
/// <param name="At">When it was noted.</param>
/// <param name="Text">The same in a sentence.</param>
public sealed record Notification(HealthEntry Entry, DateTimeOffset At, string Text);
