namespace CozeCluster.Sandbox.Discord;

/// <summary>Discord's gateway close codes.</summary>
internal enum CloseCode
{
    Unknown = 4000,
    UnknownOpcode = 4001,
    Undecodable = 4002,
    NotAuthenticated = 4003,
    BadToken = 4004,
    AlreadyAuthenticated = 4005,
    BadSequence = 4007,
    RateLimited = 4008,
    TimedOut = 4009,
    BadShard = 4010,
    ShardingRequired = 4011,
    BadVersion = 4012,
    BadIntents = 4013,
    DisallowedIntents = 4014,
}
