using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Identify and resume, with everything they can be refused for. The caller holds the world's gate.</summary>
internal sealed class GatewayHandshake(FakeDiscord discord, GatewayHub hub, GatewayConnection connection)
{
    public void Identify(JsonObject? d)
    {
        if (connection.Session is not null)
        {
            connection.Close(CloseCode.AlreadyAuthenticated);
            return;
        }
        if (Text(d, "token") is not { } token || d!["properties"] is not JsonObject)
        {
            Refuse(null, CloseCode.Undecodable);
            return;
        }
        if (discord.World.UserByToken(token, bot: true) is not { } user)
        {
            Refuse(null, CloseCode.BadToken);
            return;
        }
        if (RefusalOf(user, d, out var intents, out var shard, out var shards) is { } code)
        {
            Refuse(user, code);
            return;
        }
        if (!hub.Limits.TakeOfDay(user))
        {
            user.TokenWorks = false;
            Refuse(user, CloseCode.BadToken);
            return;
        }
        if (!hub.Limits.TakeTurn(user, shard))
        {
            discord.Records.Add(DiscordRecordKind.IdentifyRefused, user, detail: "op 9");
            connection.SendOp(9, false);
            return;
        }

        connection.Codec.PerPayload = d["compress"]?.GetValueKind() == JsonValueKind.True;
        var session = new GatewaySession(Guid.NewGuid().ToString("n"), user, intents, shard, shards, discord.Options.ResumeBuffer)
        {
            Connection = connection,
        };
        connection.Session = session;
        hub.Add(session);
        discord.Records.Add(DiscordRecordKind.Identified, user, detail: session.Id);
        Welcome(session);
    }

    public void Resume(JsonObject? d)
    {
        if (connection.Session is not null)
        {
            connection.Close(CloseCode.AlreadyAuthenticated);
            return;
        }
        if (Text(d, "token") is not { } token || Text(d, "session_id") is not { } id || d!["seq"] is not JsonValue number || !number.TryGetValue<long>(out var seq))
        {
            connection.Close(CloseCode.Undecodable);
            return;
        }
        if (discord.World.UserByToken(token, bot: true) is not { } user)
        {
            connection.Close(CloseCode.BadToken);
            return;
        }
        if (hub.Find(id) is not { } session || session.User != user)
        {
            RefuseResume(user, "unknown session");
            return;
        }
        if (seq > session.Number)
        {
            hub.Remove(session);
            discord.Records.Add(DiscordRecordKind.ResumeRefused, user, detail: "sequence from the future");
            connection.Close(CloseCode.BadSequence);
            return;
        }

        session.Connection?.Close(CloseCode.Unknown);
        session.Connection = connection;
        connection.Session = session;
        var replayed = session.Replay(seq);
        if (replayed < 0)
        {
            connection.Session = null;
            hub.Remove(session);
            RefuseResume(user, "events forgotten");
            return;
        }
        session.Dispatch("RESUMED", new JsonObject { ["_trace"] = new JsonArray() });
        discord.Records.Add(DiscordRecordKind.Resumed, user, detail: $"{replayed}");
    }

    private CloseCode? RefusalOf(DiscordUser user, JsonObject d, out Intents intents, out int shard, out int shards)
    {
        (intents, shard, shards) = (Intents.None, 0, 1);
        if (d["intents"] is not JsonValue bits || !bits.TryGetValue<int>(out var number) || (number & ~(int)Intents.Known) != 0)
            return CloseCode.BadIntents;
        intents = (Intents)number;
        if ((intents & Intents.Privileged & ~user.Privileged) != 0) return CloseCode.DisallowedIntents;

        if (d["shard"] is { } pair)
        {
            if (pair is not JsonArray { Count: 2 } place || place[0] is not JsonValue a || place[1] is not JsonValue b
                || !a.TryGetValue(out shard) || !b.TryGetValue(out shards) || shard < 0 || shard >= shards)
                return CloseCode.BadShard;
        }
        return shards < discord.Options.RequiredShards ? CloseCode.ShardingRequired : null;
    }

    private void Welcome(GatewaySession session)
    {
        var user = session.User;
        var guilds = discord.World.Guilds.Values.Where(g => session.Serves(g) && g.Members.ContainsKey(user.Id)).ToList();
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

    private void Refuse(DiscordUser? user, CloseCode code)
    {
        discord.Records.Add(DiscordRecordKind.IdentifyRefused, user, detail: $"{(int)code}");
        connection.Close(code);
    }

    private void RefuseResume(DiscordUser user, string why)
    {
        discord.Records.Add(DiscordRecordKind.ResumeRefused, user, detail: why);
        connection.SendOp(9, false);
    }

    private static string? Text(JsonObject? d, string field) =>
        d?[field] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;
}
