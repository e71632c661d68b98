using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Making, changing and deleting channels and threads, with their events and records. The caller holds the world's gate.</summary>
internal sealed class WorldChannels(FakeDiscord discord)
{
    /// <exception cref="DiscordError">30013: the guild is full. 50035: the category is.</exception>
    public DiscordChannel Create(DiscordUser by, DiscordGuild guild, ChannelDraft draft)
    {
        if (guild.ChannelCount >= discord.Options.ChannelsPerGuild) throw DiscordError.GuildFull(discord.Options.ChannelsPerGuild);
        if (draft.Parent is not null) CheckRoom(guild, draft.Parent);
        var channel = new DiscordChannel
        {
            Id = discord.World.Ids.Next(), Guild = guild, Type = draft.Type, Name = NameOf(draft.Type, draft.Name), Topic = draft.Topic,
            Parent = draft.Parent, Nsfw = draft.Nsfw, RateLimitPerUser = draft.RateLimitPerUser, Overwrites = draft.Overwrites,
        };
        discord.World.AddChannel(channel);
        Publish("CHANNEL_CREATE", channel);
        discord.Records.Add(DiscordRecordKind.ChannelCreated, by, channel, detail: channel.Name);
        return channel;
    }

    public void CheckRoom(DiscordGuild guild, DiscordChannel category)
    {
        var limit = discord.Options.ChannelsPerCategory;
        if (guild.ChildrenOf(category.Id) >= limit)
            throw DiscordError.InvalidForm("parent_id", "CHANNEL_PARENT_MAX_CHANNELS", $"Maximum number of channels in category reached ({limit})");
    }

    /// <summary>Tells everybody that a channel or thread has changed.</summary>
    public void Changed(DiscordChannel channel) => Publish(channel.IsThread ? "THREAD_UPDATE" : "CHANNEL_UPDATE", channel);

    /// <summary>Deletes for good. A category leaves its children behind without a parent; a channel takes its threads along.</summary>
    public void Delete(DiscordUser by, DiscordChannel channel)
    {
        if (channel.IsThread)
        {
            var gone = new JsonObject
            {
                ["id"] = channel.Id.ToString(),
                ["guild_id"] = channel.Guild.Id.ToString(),
                ["parent_id"] = DiscordJson.Id(channel.Parent?.Id),
                ["type"] = (int)channel.Type,
            };
            discord.Gateway.Publish(new GatewayEvent("THREAD_DELETE", Intents.Guilds, channel, gone));
        }
        else
        {
            Publish("CHANNEL_DELETE", channel);
        }
        discord.World.RemoveChannel(channel);
        foreach (var child in channel.Guild.Channels.Values.Where(c => c.Parent == channel).ToList())
        {
            if (child.IsThread)
            {
                discord.World.RemoveChannel(child);
                continue;
            }
            child.Parent = null;
            Changed(child);
        }
        discord.Records.Add(DiscordRecordKind.ChannelDeleted, by, channel, detail: channel.Name);
    }

    /// <summary>Makes a thread, with the system message Discord adds: in the parent, or as the thread's first.</summary>
    public DiscordChannel CreateThread(DiscordUser by, DiscordChannel parent, ThreadDraft draft)
    {
        var thread = new DiscordChannel
        {
            Id = draft.Starter?.Id ?? discord.World.Ids.Next(), Guild = parent.Guild, Type = draft.Type, Name = draft.Name, Parent = parent,
            OwnerId = by.Id, AutoArchiveMinutes = draft.AutoArchiveMinutes, RateLimitPerUser = draft.RateLimitPerUser,
            ArchiveChangedAt = discord.Time.GetUtcNow(),
        };
        thread.ThreadMembers.Add(by.Id);
        discord.World.AddChannel(thread);
        Publish("THREAD_CREATE", thread, created: true);
        discord.Records.Add(DiscordRecordKind.ThreadCreated, by, thread, detail: thread.Name);

        if (draft.Starter is { } starter)
        {
            starter.Thread = thread;
            discord.Messages.Edit(starter, flags: starter.Flags | MessageFlags.HasThread);
            var first = new MessageDraft { Type = MessageType.ThreadStarter, Reference = new(starter.Id, parent) };
            discord.Messages.Add(by, thread, first);
        }
        else if (draft.Type != ChannelType.PrivateThread)
        {
            var notice = new MessageDraft { Type = MessageType.ThreadCreated, Content = thread.Name, Reference = new(0, thread) };
            discord.Messages.Add(by, parent, notice);
        }
        return thread;
    }

    /// <summary>Adds to the thread's members those who see its parent; a private thread appears to them now.</summary>
    public void JoinThread(DiscordChannel thread, IEnumerable<DiscordUser> users)
    {
        foreach (var user in users)
        {
            if (thread.Parent is { } parent && !Permissions.In(parent, user).HasFlag(Permission.ViewChannel)) continue;
            if (!thread.ThreadMembers.Add(user.Id)) continue;
            discord.Gateway.Publish(new GatewayEvent("THREAD_CREATE", Intents.Guilds, thread, thread.ToJson(user)) { OnlyFor = user });
        }
    }

    /// <summary>Channels people type in have names in lower case without spaces.</summary>
    public static string NameOf(ChannelType type, string name) =>
        type is ChannelType.Text or ChannelType.Announcement or ChannelType.Forum or ChannelType.Media ? name.ToLowerInvariant().Replace(' ', '-') : name;

    private void Publish(string type, DiscordChannel channel, bool created = false)
    {
        var data = channel.ToJson();
        if (created) data["newly_created"] = true;
        discord.Gateway.Publish(new GatewayEvent(type, Intents.Guilds, channel, data));
    }
}
