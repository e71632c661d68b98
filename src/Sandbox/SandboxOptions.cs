using System.Net;
using CozeCluster.Sandbox.Discord;

namespace CozeCluster.Sandbox;

/// <summary>Options of a <see cref="SandboxServer"/>.</summary>
public sealed class SandboxOptions
{
    /// <summary>The clock for all delays, time stamps and expiry times. Default: the system clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The address to listen on. Default: loopback. The sandbox has no protection, so do not expose it to a network.</summary>
    public IPAddress Address { get; init; } = IPAddress.Loopback;

    /// <summary>The TCP port to listen on, 0 to 65535. Default: 0, which picks a free port.</summary>
    public int Port { get; init; }

    /// <summary>The seed of generated texts. The same seed gives the same texts. Default: 1.</summary>
    public int Seed { get; init; } = 1;

    /// <summary>
    /// The pause between the deltas of answers that echo a prompt without directives for its text or its pace. Default: none. For people, who look at the
    /// streaming first.
    /// </summary>
    public TimeSpan EchoPace { get; init; }

    /// <summary>How many ended chats of the fake Coze are kept. The limit bounds memory in long benchmarks. Default: 50,000.</summary>
    public int KeepChats { get; init; } = 50_000;

    /// <summary>Limits and timings of the fake Discord. Default: those of Discord.</summary>
    public DiscordSandboxOptions Discord { get; init; } = new();
}
