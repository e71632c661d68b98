using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>All sockets and sessions. <see cref="DiscordState.Gate"/> guards them, so each session receives events in the order of the changes.</summary>
internal sealed class GatewayHub(FakeDiscord discord)
{
    private readonly Dictionary<string, GatewaySession> _sessions = [];
    private readonly HashSet<GatewayConnection> _connections = [];

    public IdentifyLimits Limits { get; } = new(discord.Options, discord.Time);

    public IEnumerable<GatewaySession> Sessions => _sessions.Values;

    /// <summary>The users that have a session without the message content intent.</summary>
    public IEnumerable<DiscordUser> UsersWithoutContentIntent =>
        _sessions.Values.Where(session => !session.CanReadContent).Select(session => session.User).Distinct();

    /// <summary>Sends an event to all sessions that may receive it.</summary>
    public void Publish(GatewayEvent gatewayEvent)
    {
        foreach (var session in _sessions.Values)
            if (gatewayEvent.GetData(session) is { } data) session.Dispatch(gatewayEvent.Type, data);
    }

    /// <summary>Serves a socket until it is closed.</summary>
    public async Task ServeAsync(HttpContext http)
    {
        discord.LearnPublicUrl(http.Request);
        var query = http.Request.Query;
        var compress = query["compress"].ToString();
        if (!http.WebSockets.IsWebSocketRequest || query["encoding"] is not ([] or ["json"]) || compress is not ("" or "zlib-stream"))
        {
            http.Response.StatusCode = 400;
            return;
        }

        using var socket = await http.WebSockets.AcceptWebSocketAsync();
        using var connection = new GatewayConnection(discord, socket, zlibStream: compress == "zlib-stream");
        lock (discord.State.Gate) _connections.Add(connection);
        discord.Records.Add(DiscordRecordKind.SocketOpened, detail: $"{http.Request.Path}{http.Request.QueryString}");
        if (query["v"] is not ([] or ["9"] or ["10"])) connection.Close(GatewayCloseCode.InvalidApiVersion);
        var code = await connection.RunAsync(http.RequestAborted);
        lock (discord.State.Gate)
        {
            var user = connection.Session?.User;
            Detach(connection, code);
            _connections.Remove(connection);
            discord.Records.Add(DiscordRecordKind.SocketClosed, user, detail: $"{code}");
        }
    }

    /// <summary>Handles a payload from a client.</summary>
    public void Receive(GatewayConnection connection, JsonObject payload)
    {
        var handshake = new GatewayHandshake(discord, this, connection);
        lock (discord.State.Gate)
        {
            switch (payload["op"]?.GetValueKind() == JsonValueKind.Number ? (GatewayOpcode)payload["op"]!.GetValue<int>() : (GatewayOpcode)(-1))
            {
                case GatewayOpcode.Heartbeat:
                    connection.OnHeartbeat();
                    discord.Records.Add(DiscordRecordKind.Heartbeat, connection.Session?.User, detail: payload["d"]?.ToJsonString() ?? "null");
                    connection.SendOp(GatewayOpcode.HeartbeatAck, null);
                    break;
                case GatewayOpcode.Identify:
                    handshake.Identify(payload["d"] as JsonObject);
                    break;
                case GatewayOpcode.Resume:
                    handshake.Resume(payload["d"] as JsonObject);
                    break;
                case GatewayOpcode.PresenceUpdate or GatewayOpcode.VoiceStateUpdate or GatewayOpcode.RequestGuildMembers
                    or GatewayOpcode.RequestSoundboardSounds when connection.Session is null:
                    connection.Close(GatewayCloseCode.NotAuthenticated);
                    break;
                case GatewayOpcode.PresenceUpdate or GatewayOpcode.VoiceStateUpdate or GatewayOpcode.RequestSoundboardSounds:
                    break; // The sandbox has no presences, voice or soundboards.
                case GatewayOpcode.RequestGuildMembers:
                    SendMembers(connection.Session!, payload["d"] as JsonObject);
                    break;
                default:
                    connection.Close(GatewayCloseCode.UnknownOpcode);
                    break;
            }
        }
    }

    /// <summary>Separates a session from its closed socket. After a normal close, or a close code that ends the session, the session is removed.</summary>
    public void Detach(GatewayConnection connection, int code)
    {
        if (connection.Session is not { } session || session.Connection != connection) return;
        session.Connection = null;
        session.DetachedAt = discord.Time.GetUtcNow();
        if (!IsResumable(code)) _sessions.Remove(session.Id);
    }

    /// <summary>A session that can be resumed, or null. Sessions without a socket are removed after the resume window.</summary>
    public GatewaySession? Find(string id)
    {
        var oldest = discord.Time.GetUtcNow() - discord.Options.ResumeWindow;
        foreach (var session in _sessions.Values.Where(s => s.Connection is null && s.DetachedAt < oldest).ToList()) _sessions.Remove(session.Id);
        return _sessions.GetValueOrDefault(id);
    }

    public void Add(GatewaySession session) => _sessions.Add(session.Id, session);

    public void Remove(GatewaySession session) => _sessions.Remove(session.Id);

    /// <summary>The open sockets of a user. Null: all sockets, also those without a session.</summary>
    public List<GatewayConnection> GetConnections(string? userId) =>
        [.. _connections.Where(c => userId is null || c.Session?.User.Id.ToString() == userId)];

    public void Clear()
    {
        _sessions.Clear();
        Limits.Clear();
    }

    // Not resumable are the normal closes (1000, 1001) and the errors of authentication, sequence, timeout, shards and intents.
    private static bool IsResumable(int code) => code is (>= 1002 and < 4000)
        or (int)GatewayCloseCode.UnknownError
        or (int)GatewayCloseCode.UnknownOpcode
        or (int)GatewayCloseCode.DecodeError
        or (int)GatewayCloseCode.AlreadyAuthenticated
        or (int)GatewayCloseCode.RateLimited
        or > (int)GatewayCloseCode.DisallowedIntents;

    private void SendMembers(GatewaySession session, JsonObject? request)
    {
        if (!ulong.TryParse(request?["guild_id"]?.ToString(), out var id) || !discord.State.Guilds.TryGetValue(id, out var guild)) return;
        if (!guild.Members.ContainsKey(session.User.Id)) return;
        var chunk = new JsonObject
        {
            ["guild_id"] = guild.Id.ToString(),
            ["members"] = DiscordJson.Array(guild.Members.Values.Select(m => m.ToJson(guild))),
            ["chunk_index"] = 0,
            ["chunk_count"] = 1,
        };
        if (request!["nonce"] is { } nonce) chunk["nonce"] = nonce.Copy();
        session.Dispatch("GUILD_MEMBERS_CHUNK", chunk);
    }
}
