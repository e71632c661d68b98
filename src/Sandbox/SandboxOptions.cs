using System.Net;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox;

/// <summary>How a <see cref="SandboxServer"/> runs.</summary>
public sealed class SandboxOptions
{
    /// <summary>The clock behind every pace, time stamp and expiry. Default: the system's.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The address to listen on. Default: loopback. The sandbox guards nothing; keep it there.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The port to listen on, 0 to 65535. Default: 0, any free one.</summary>
    public int Port { get; init; }

    /// <summary>Seed of the generated texts, so that a run can be repeated. Default: 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>How many ended chats stay on record, so that a long benchmark does not fill the memory. Default: 50,000.</summary>
    public int KeepChats { get; init; } = 50_000;

    /// <summary>How strict the fake Discord is. Default: as Discord.</summary>
    public DiscordSandboxOptions Discord { get; init; } = new();
}
