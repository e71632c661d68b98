using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

// What can be done to users. An unknown id is an ArgumentException.
public sealed partial class FakeDiscord
{
    /// <summary>Discord demands verification of the account: its requests get 40002 until this is lifted.</summary>
    public void DemandVerification(string userId, bool demanded = true) => Change(userId, user => user.NeedsVerification = demanded);

    /// <summary>The user's token stops working: requests get 401, open sockets close with 4004.</summary>
    public void RevokeToken(string userId, bool revoked = true)
    {
        Change(userId, user => user.TokenWorks = !revoked);
        if (revoked) DropSockets((int)CloseCode.BadToken, userId);
    }

    /// <summary>Flips privileged intents in the developer portal; switching one off closes sockets that use it with 4014.</summary>
    public void SetPrivilegedIntents(string userId, Intents enabled)
    {
        Change(userId, user => user.Privileged = enabled & Intents.Privileged);
        ForEach(userId, connection =>
        {
            if ((connection.Session!.Intents & Intents.Privileged & ~enabled) != 0) connection.Close(CloseCode.DisallowedIntents);
        });
    }

    /// <summary>
    /// Coze answers the account's prompts (or, set on a Coze-hosted bot, everybody's) with this notice until null is set.
    /// </summary>
    /// <exception cref="ArgumentException">The notice is none of <see cref="CozeNotices"/>.</exception>
    public void SetCozeNotice(string userId, string? notice)
    {
        if (notice is not null && !CozeNotices.All.ContainsKey(notice))
            throw new ArgumentException($"'{notice}' is none of {string.Join(", ", CozeNotices.All.Keys)}", nameof(notice));
        Change(userId, user => user.CozeNotice = notice);
    }

    /// <summary>Makes the user a member of the guild, or no longer one. Open sessions see the guild come or go.</summary>
    public void SetMembership(string userId, string guildId, bool isMember)
    {
        Change(userId, user =>
        {
            if (!ulong.TryParse(guildId, out var id) || !World.Guilds.TryGetValue(id, out var guild))
                throw new ArgumentException($"there is no guild {guildId}", nameof(guildId));
            if (isMember) guild.Add(user, Time.GetUtcNow());
            else guild.Members.Remove(user.Id);
            foreach (var session in Gateway.Sessions.Where(s => s.User == user && s.Intents.HasFlag(Intents.Guilds) && s.Serves(guild)))
            {
                if (isMember) session.Dispatch("GUILD_CREATE", guild.ToCreateEvent(user));
                else session.Dispatch("GUILD_DELETE", new JsonObject { ["id"] = guildId });
            }
        });
    }

    private void Change(string userId, Action<DiscordUser> change)
    {
        lock (World.Gate)
        {
            if (!ulong.TryParse(userId, out var id) || !World.Users.TryGetValue(id, out var user))
                throw new ArgumentException($"there is no user {userId}", nameof(userId));
            change(user);
        }
    }
}
