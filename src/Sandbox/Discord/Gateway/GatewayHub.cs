using System.Text.Json;
using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>All sockets and sessions. The world's gate guards them, so events reach every session in the order things happened.</summary>
internal sealed class GatewayHub(FakeDiscord discord)
{
    private readonly Dictionary<string, GatewaySession> _sessions = [];
    private readonly HashSet<GatewayConnection> _connections = [];
    private readonly IdentifyLimits _limits = new(discord.Options, discord.Time);

    public IdentifyLimits Limits => _limits;

    public IEnumerable<GatewaySession> Sessions => _sessions.Values;

    /// <summary>Users with a session that does not read message content.</summary>
    public IEnumerable<DiscordUser> ContentlessReaders =>
        _sessions.Values.Where(session => !session.ReadsContent).Select(session => session.User).Distinct();

    public void Publish(GatewayEvent happened)
    {
        foreach (var session in _sessions.Values)
            if (happened.DataFor(session) is { } data) session.Dispatch(happened.Type, data);
    }

    /// <summary>Serves a socket from open to close.</summary>
    public async Task ServeAsync(HttpContext http)
    {
        discord.SeenAt(http.Request);
        var query = http.Request.Query;
        var compress = query["compress"].ToString();
        if (!http.WebSockets.IsWebSocketRequest || query["encoding"] is not ([] or ["json"]) || compress is not ("" or "zlib-stream"))
        {
            http.Response.StatusCode = 400;
            return;
        }

        using var socket = await http.WebSockets.AcceptWebSocketAsync();
        using var connection = new GatewayConnection(discord, socket, zlibStream: compress == "zlib-stream");
        lock (discord.World.Gate) _connections.Add(connection);
        discord.Records.Add(DiscordRecordKind.SocketOpened, detail: $"{http.Request.Path}{http.Request.QueryString}");
        if (query["v"] is not ([] or ["9"] or ["10"])) connection.Close(CloseCode.BadVersion);
        var code = await connection.RunAsync(http.RequestAborted);
        lock (discord.World.Gate)
        {
            var user = connection.Session?.User;
            Detach(connection, code);
            _connections.Remove(connection);
            discord.Records.Add(DiscordRecordKind.SocketClosed, user, detail: $"{code}");
        }
    }

    /// <summary>One payload from a client.</summary>
    public void Receive(GatewayConnection connection, JsonObject payload)
    {
        var handshake = new GatewayHandshake(discord, this, connection);
        lock (discord.World.Gate)
        {
            switch (payload["op"]?.GetValueKind() == JsonValueKind.Number ? payload["op"]!.GetValue<int>() : -1)
            {
                case 1:
                    connection.HeartbeatCame();
                    discord.Records.Add(DiscordRecordKind.Heartbeat, connection.Session?.User, detail: payload["d"]?.ToJsonString() ?? "null");
                    connection.SendOp(11, null);
                    break;
                case 2:
                    handshake.Identify(payload["d"] as JsonObject);
                    break;
                case 6:
                    handshake.Resume(payload["d"] as JsonObject);
                    break;
                case 3 or 4 or 8 or 31 when connection.Session is null:
                    connection.Close(CloseCode.NotAuthenticated);
                    break;
                case 3 or 4 or 31:
                    break; // Presence, voice and soundboard: nobody looks.
                case 8:
                    SendMembers(connection.Session!, payload["d"] as JsonObject);
                    break;
                default:
                    connection.Close(CloseCode.UnknownOpcode);
                    break;
            }
        }
    }

    /// <summary>A session no socket serves any more; gone for good after a normal close or a code that says so.</summary>
    public void Detach(GatewayConnection connection, int code)
    {
        if (connection.Session is not { } session || session.Connection != connection) return;
        session.Connection = null;
        session.DetachedAt = discord.Time.GetUtcNow();
        var resumable = code is 1005 or 1006 or (>= 1002 and < 4000) or 4000 or 4001 or 4002 or 4005 or 4008 or > 4014;
        if (!resumable) _sessions.Remove(session.Id);
    }

    /// <summary>The session, unless it is unknown or was alone for too long.</summary>
    public GatewaySession? Find(string id)
    {
        var oldest = discord.Time.GetUtcNow() - discord.Options.ResumeWindow;
        foreach (var session in _sessions.Values.Where(s => s.Connection is null && s.DetachedAt < oldest).ToList()) _sessions.Remove(session.Id);
        return _sessions.GetValueOrDefault(id);
    }

    public void Add(GatewaySession session) => _sessions.Add(session.Id, session);

    public void Remove(GatewaySession session) => _sessions.Remove(session.Id);

    /// <summary>Open sockets of one user (by id), or all, before and after identifying.</summary>
    public List<GatewayConnection> ConnectionsOf(string? userId) =>
        [.. _connections.Where(c => userId is null || c.Session?.User.Id.ToString() == userId)];

    public void Clear()
    {
        _sessions.Clear();
        _limits.Clear();
    }

    private void SendMembers(GatewaySession session, JsonObject? request)
    {
        if (!ulong.TryParse(request?["guild_id"]?.ToString(), out var id) || !discord.World.Guilds.TryGetValue(id, out var guild)) return;
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
