using System.Text.Json.Serialization;

namespace CozeCluster;

/// <summary>The kind of thing that a health entry describes.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<HealthKind>))]
[GenerateSerializer, Alias("health-kind")]
public enum HealthKind
{
    /// <summary>A bot.</summary>
    Bot,

    /// <summary>An account.</summary>
    Account,

    /// <summary>A listener's connection to Discord's gateway.</summary>
    Listener,
}

/// <summary>The health of a bot, account or listener.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<HealthState>))]
[GenerateSerializer, Alias("health-state")]
public enum HealthState
{
    /// <summary>Not known yet: it has not been used since it was added to the fleet.</summary>
    Unknown,

    /// <summary>It works.</summary>
    Ok,

    /// <summary>It is connecting.</summary>
    Connecting,

    /// <summary>It is cooling down until a known time, and is available afterwards.</summary>
    Cooling,

    /// <summary>The upstream no longer accepts it, so it is disabled for a while, again and again. An operator has to act.</summary>
    SetAside,

    /// <summary>It fails. It is retried from time to time.</summary>
    Failing,
}

/// <summary>The state of one bot, account or listener.</summary>
/// <param name="Kind">Whether it is a bot, an account or a listener.</param>
/// <param name="Id">Its id in the fleet. For listeners, a dot and the shard follow.</param>
/// <param name="State">Its state.</param>
[GenerateSerializer, Immutable, Alias("health-entry")]
public sealed record HealthEntry(HealthKind Kind, string Id, HealthState State)
{
    /// <summary>The reason, as a sentence for operators without secrets; null if there is none.</summary>
    [Id(0)]
    public string? Reason { get; init; }

    /// <summary>The error that caused the state.</summary>
    [Id(1)]
    public ErrorCode? Code { get; init; }

    /// <summary>When it entered this state.</summary>
    [Id(2)]
    public DateTimeOffset Since { get; init; }

    /// <summary>When it is retried, or available again; null if that is not known, or if that time has passed.</summary>
    [Id(3)]
    public DateTimeOffset? Until { get; init; }

    /// <summary>For a bot that is kept active: the result of the last keep-active message; null if none was sent yet.</summary>
    [Id(4)]
    public KeepActiveResult? KeepActive { get; init; }
}

/// <summary>The result of a keep-active message.</summary>
/// <param name="At">When it was sent.</param>
/// <param name="Error">Null if the bot answered.</param>
[GenerateSerializer, Immutable, Alias("keep-active-result")]
public sealed record KeepActiveResult(DateTimeOffset At, string? Error);
