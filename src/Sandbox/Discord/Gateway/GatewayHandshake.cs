using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Handles identify and resume, with all reasons for a refusal. The caller holds <see cref="DiscordState.Gate"/>.</summary>
internal sealed class GatewayHandshake(FakeDiscord discord, GatewayHub hub, GatewayConnection connection)
{
    /// <summary>Creates a session, or refuses the identify.</summary>
    public void Identify(JsonObject? data)
    {
        if (connection.Session is not null)
        {
            connection.Close(GatewayCloseCode.AlreadyAuthenticated);
            return;
        }
        if (GetText(data, "token") is not { } token || data!["properties"] is not JsonObject)
        {
            Refuse(null, GatewayCloseCode.DecodeError);
            return;
        }
        if (discord.State.FindUserByToken(token, isBot: true) is not { } user)
        {
            Refuse(null, GatewayCloseCode.AuthenticationFailed);
            return;
        }
        if (FindRefusal(user, data, out var intents, out var shard, out var shards) is { } code)
        {
            Refuse(user, code);
            return;
        }
        if (!hub.Limits.TryTakeDailyIdentify(user))
        {
            user.IsTokenValid = false;
            Refuse(user, GatewayCloseCode.AuthenticationFailed);
            return;
        }
        if (!hub.Limits.TryTakeConcurrencySlot(user, shard))
        {
            discord.Records.Add(DiscordRecordKind.IdentifyRefused, user, detail: "op 9");
            connection.SendOp(GatewayOpcode.InvalidSession, false);
            return;
        }

        connection.Codec.PerPayload = data["compress"]?.GetValueKind() == JsonValueKind.True;
        var session = new GatewaySession(Guid.NewGuid().ToString("n"), user, intents, shard, shards, discord.Options.ResumeBuffer)
        {
            Connection = connection,
        };
        connection.Session = session;
        hub.Add(session);
        discord.Records.Add(DiscordRecordKind.Identified, user, detail: session.Id);
        SendReady(session);
    }

    /// <summary>Continues a session and replays missed events, or refuses the resume.</summary>
    public void Resume(JsonObject? data)
    {
        if (connection.Session is not null)
        {
            connection.Close(GatewayCloseCode.AlreadyAuthenticated);
            return;
        }
        if (GetText(data, "token") is not { } token || GetText(data, "session_id") is not { } id || data!["seq"] is not JsonValue number
            || !number.TryGetValue<long>(out var sequence))
        {
            connection.Close(GatewayCloseCode.DecodeError);
            return;
        }
        if (discord.State.FindUserByToken(token, isBot: true) is not { } user)
        {
            connection.Close(GatewayCloseCode.AuthenticationFailed);
            return;
        }
        if (hub.Find(id) is not { } session || session.User != user)
        {
            RefuseResume(user, "unknown session");
            return;
        }
        if (sequence > session.Sequence)
        {
            hub.Remove(session);
            discord.Records.Add(DiscordRecordKind.ResumeRefused, user, detail: "sequence number was never sent");
            connection.Close(GatewayCloseCode.InvalidSequence);
            return;
        }

        session.Connection?.Close(GatewayCloseCode.UnknownError);
        session.Connection = connection;
        connection.Session = session;
        var replayed = session.Replay(sequence);
        if (replayed < 0)
        {
            connection.Session = null;
            hub.Remove(session);
            RefuseResume(user, "missed events are no longer stored");
            return;
        }
        session.Dispatch("RESUMED", new JsonObject { ["_trace"] = new JsonArray() });
        discord.Records.Add(DiscordRecordKind.Resumed, user, detail: $"{replayed}");
    }

    private GatewayCloseCode? FindRefusal(DiscordUser user, JsonObject data, out Intents intents, out int shard, out int shards)
    {
        (intents, shard, shards) = (Intents.None, 0, 1);
        if (data["intents"] is not JsonValue bits || !bits.TryGetValue<int>(out var number) || (number & ~(int)Intents.Known) != 0)
            return GatewayCloseCode.InvalidIntents;
        intents = (Intents)number;
        if ((intents & Intents.Privileged & ~user.Privileged) != 0) return GatewayCloseCode.DisallowedIntents;

        if (data["shard"] is { } pair)
        {
            if (pair is not JsonArray { Count: 2 } place || place[0] is not JsonValue a || place[1] is not JsonValue b
                || !a.TryGetValue(out shard) || !b.TryGetValue(out shards) || shard < 0 || shard >= shards)
                return GatewayCloseCode.InvalidShard;
        }
        return shards < discord.Options.RequiredShards ? GatewayCloseCode.ShardingRequired : null;
    }

    private void SendReady(GatewaySession session)
    {
        var user = session.User;
        var guilds = discord.State.Guilds.Values.Where(g => session.IncludesGuild(g) && g.Members.ContainsKey(user.Id)).ToList();
        session.Dispatch("READY", new JsonObject
        {
            ["v"] = 10,
            ["user"] = user.ToOwnJson(),
            ["user_settings"] = new JsonObject(),
            ["session_type"] = "normal",
            ["session_id"] = session.Id,
            ["resume_gateway_url"] = $"{discord.GatewayUrl}/resume",
            ["relationships"] = new JsonArray(),
            ["private_channels"] = new JsonArray(),
            ["presences"] = new JsonArray(),
            ["guilds"] = DiscordJson.Array(guilds.Select(g => new JsonObject { ["id"] = g.Id.ToString(), ["unavailable"] = true })),
            ["guild_join_requests"] = new JsonArray(),
            ["geo_ordered_rtc_regions"] = new JsonArray(),
            ["application"] = new JsonObject { ["id"] = user.Id.ToString(), ["flags"] = user.ToApplicationJson()["flags"]!.Copy() },
            ["shard"] = new JsonArray(session.Shard, session.Shards),
            ["_trace"] = new JsonArray(),
        });
        if (!session.Intents.HasFlag(Intents.Guilds)) return;
        foreach (var guild in guilds) session.Dispatch("GUILD_CREATE", guild.ToCreateEvent(user));
    }

    private void Refuse(DiscordUser? user, GatewayCloseCode code)
    {
        discord.Records.Add(DiscordRecordKind.IdentifyRefused, user, detail: $"{(int)code}");
        connection.Close(code);
    }

    private void RefuseResume(DiscordUser user, string reason)
    {
        discord.Records.Add(DiscordRecordKind.ResumeRefused, user, detail: reason);
        connection.SendOp(GatewayOpcode.InvalidSession, false);
    }

    private static string? GetText(JsonObject? data, string field) =>
        data?[field] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}

/// <summary>The limits of identifies: a number per bot and day, and the pace of <c>max_concurrency</c>. Guarded by <see cref="DiscordState.Gate"/>.</summary>
internal sealed class IdentifyLimits(DiscordSandboxOptions options, TimeProvider time)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);
    private readonly Dictionary<ulong, (int Used, DateTimeOffset Resets)> _days = [];
    private readonly Dictionary<(ulong User, int Bucket), DateTimeOffset> _lastIdentify = [];

    /// <summary>How many identifies are left today, and when the day ends.</summary>
    public (int Remaining, TimeSpan ResetAfter) GetRemaining(DiscordUser user)
    {
        var now = time.GetUtcNow();
        return _days.TryGetValue(user.Id, out var day) && now < day.Resets
            ? (Math.Max(0, options.SessionStartsPerDay - day.Used), day.Resets - now)
            : (options.SessionStartsPerDay, TimeSpan.Zero);
    }

    /// <summary>Counts an identify against the daily limit.</summary>
    /// <returns>False: the limit is exceeded. Discord then makes the token invalid.</returns>
    public bool TryTakeDailyIdentify(DiscordUser user)
    {
        var now = time.GetUtcNow();
        var day = _days.TryGetValue(user.Id, out var current) && now < current.Resets ? current : (Used: 0, Resets: now + Day);
        _days[user.Id] = (day.Used + 1, day.Resets);
        return day.Used < options.SessionStartsPerDay;
    }

    /// <summary>Takes the identify slot of a shard for <see cref="DiscordSandboxOptions.IdentifyPace"/>. False: the slot is taken.</summary>
    public bool TryTakeConcurrencySlot(DiscordUser user, int shard)
    {
        var key = (user.Id, shard % options.MaxConcurrency);
        var now = time.GetUtcNow();
        if (_lastIdentify.TryGetValue(key, out var last) && now - last < options.IdentifyPace) return false;
        _lastIdentify[key] = now;
        return true;
    }

    public void Clear()
    {
        _days.Clear();
        _lastIdentify.Clear();
    }
}
