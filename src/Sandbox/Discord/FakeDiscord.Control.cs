using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

// Changes to sockets of Discord's gateway and to users. For sockets, a null user id means all bots.
public sealed partial class FakeDiscord
{
    /// <summary>How many sockets are open and identified.</summary>
    public int OpenSessions
    {
        get { lock (State.Gate) return Gateway.Sessions.Count(session => session.Connection is not null); }
    }

    /// <summary>Closes sockets with a close code, or aborts them without one.</summary>
    public void DropSockets(int? closeCode = null, string? userId = null) => ForEachConnection(userId, connection =>
    {
        if (closeCode is { } code) connection.Close(code);
        else connection.Abort();
    });

    /// <summary>Op 7: asks clients to reconnect and resume.</summary>
    public void RequestReconnect(string? userId = null) =>
        ForEachConnection(userId, connection => connection.SendOp(GatewayOpcode.Reconnect, null));

    /// <summary>
    /// Op 9: reports to clients that their session is invalid. A resumable session can be resumed on this socket or another one; other
    /// sessions are removed.
    /// </summary>
    public void InvalidateSessions(bool resumable, string? userId = null) => ForEachConnection(userId, connection =>
    {
        connection.SendOp(GatewayOpcode.InvalidSession, resumable);
        if (connection.Session is null) return;
        Gateway.Detach(connection, (int)(resumable ? GatewayCloseCode.UnknownError : GatewayCloseCode.NotAuthenticated));
        connection.Session = null;
    });

    /// <summary>Makes open sockets unresponsive: they acknowledge and deliver nothing until the session is resumed on a new socket.</summary>
    public void StopAcking(string? userId = null) => ForEachConnection(userId, connection => connection.IsZombie = true);

    /// <summary>Op 1: asks clients for an immediate heartbeat.</summary>
    public void AskForHeartbeat(string? userId = null) =>
        ForEachConnection(userId, connection => connection.SendOp(GatewayOpcode.Heartbeat, null));

    /// <summary>Discord requires verification of the account: its requests get error 40002 until this is set to false.</summary>
    /// <exception cref="ArgumentException">There is no such user.</exception>
    public void DemandVerification(string userId, bool demanded = true) => ChangeUser(userId, user => user.NeedsVerification = demanded);

    /// <summary>Revokes the user's token: requests get 401, and open sockets are closed with 4004.</summary>
    /// <exception cref="ArgumentException">There is no such user.</exception>
    public void RevokeToken(string userId, bool revoked = true)
    {
        ChangeUser(userId, user => user.IsTokenValid = !revoked);
        if (revoked) DropSockets((int)GatewayCloseCode.AuthenticationFailed, userId);
    }

    /// <summary>Sets the privileged intents in the developer portal. Sockets that use a disabled intent are closed with 4014.</summary>
    /// <exception cref="ArgumentException">There is no such user.</exception>
    public void SetPrivilegedIntents(string userId, Intents enabled)
    {
        ChangeUser(userId, user => user.Privileged = enabled & Intents.Privileged);
        ForEachConnection(userId, connection =>
        {
            if ((connection.Session!.Intents & Intents.Privileged & ~enabled) != 0) connection.Close(GatewayCloseCode.DisallowedIntents);
        });
    }

    /// <summary>
    /// Sets the service message that Coze sends in place of replies, or null for none. On an account it is for this sender; on a Coze-hosted bot
    /// it is for everyone.
    /// </summary>
    /// <exception cref="ArgumentException">There is no such user, or no such service message in <see cref="CozeNotices"/>.</exception>
    public void SetCozeNotice(string userId, string? notice)
    {
        if (notice is not null && !CozeNotices.All.ContainsKey(notice))
            throw new ArgumentException($"'{notice}' is none of {string.Join(", ", CozeNotices.All.Keys)}", nameof(notice));
        ChangeUser(userId, user => user.CozeNotice = notice);
    }

    /// <summary>Adds the user to the guild or removes it. Its sessions receive GUILD_CREATE or GUILD_DELETE.</summary>
    /// <exception cref="ArgumentException">There is no such user or guild.</exception>
    public void SetMembership(string userId, string guildId, bool isMember)
    {
        ChangeUser(userId, user =>
        {
            if (!ulong.TryParse(guildId, out var id) || !State.Guilds.TryGetValue(id, out var guild))
                throw new ArgumentException($"there is no guild {guildId}", nameof(guildId));
            if (isMember) guild.Add(user, Time.GetUtcNow());
            else guild.Members.Remove(user.Id);
            foreach (var session in Gateway.Sessions.Where(s => s.User == user && s.Intents.HasFlag(Intents.Guilds) && s.IncludesGuild(guild)))
            {
                if (isMember) session.Dispatch("GUILD_CREATE", guild.ToCreateEvent(user));
                else session.Dispatch("GUILD_DELETE", new JsonObject { ["id"] = guildId });
            }
        });
    }

    private void ForEachConnection(string? userId, Action<GatewayConnection> action)
    {
        lock (State.Gate)
            foreach (var connection in Gateway.GetConnections(userId)) action(connection);
    }

    private void ChangeUser(string userId, Action<DiscordUser> change)
    {
        lock (State.Gate)
        {
            if (!ulong.TryParse(userId, out var id) || !State.Users.TryGetValue(id, out var user))
                throw new ArgumentException($"there is no user {userId}", nameof(userId));
            change(user);
        }
    }
}
