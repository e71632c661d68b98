using System.Text.Json.Nodes;

namespace CozeCluster.Sandbox.Discord;

/// <summary>Creates, changes and deletes channels and threads, with their events and records. The caller holds <see cref="DiscordState.Gate"/>.</summary>
internal sealed class ChannelService(FakeDiscord discord)
{
    /// <exception cref="RestException">30013: the guild is full. 50035: the category is full.</exception>
    public DiscordChannel Create(DiscordUser actor, DiscordGuild guild, ChannelDraft draft)
    {
        if (guild.ChannelCount >= discord.Options.ChannelsPerGuild) throw RestException.GuildIsFull(discord.Options.ChannelsPerGuild);
        if (draft.Parent is not null) CheckCategoryLimit(guild, draft.Parent);
        var channel = new DiscordChannel
        {
            Id = discord.State.Ids.Next(), Guild = guild, Type = draft.Type, Name = NormalizeName(draft.Type, draft.Name), Topic = draft.Topic,
            Parent = draft.Parent, Nsfw = draft.Nsfw, RateLimitPerUser = draft.RateLimitPerUser, Overwrites = draft.Overwrites,
        };
        discord.State.AddChannel(channel);
        Publish("CHANNEL_CREATE", channel);
        discord.Records.Add(DiscordRecordKind.ChannelCreated, actor, channel, detail: channel.Name);
        return channel;
    }

    /// <exception cref="RestException">50035: the category is full.</exception>
    public void CheckCategoryLimit(DiscordGuild guild, DiscordChannel category)
    {
        var limit = discord.Options.ChannelsPerCategory;
        if (guild.CountChannelsIn(category.Id) >= limit)
            throw RestException.InvalidForm("parent_id", "CHANNEL_PARENT_MAX_CHANNELS", $"Maximum number of channels in category reached ({limit})");
    }

    /// <summary>Publishes that a channel or thread has changed.</summary>
    public void PublishUpdate(DiscordChannel channel) => Publish(channel.IsThread ? "THREAD_UPDATE" : "CHANNEL_UPDATE", channel);

    /// <summary>Deletes a channel, with its threads. The channels of a deleted category remain, without a parent.</summary>
    public void Delete(DiscordUser actor, DiscordChannel channel)
    {
        if (channel.IsThread)
        {
            var deleted = new JsonObject
            {
                ["id"] = channel.Id.ToString(),
                ["guild_id"] = channel.Guild.Id.ToString(),
                ["parent_id"] = DiscordJson.Id(channel.Parent?.Id),
                ["type"] = (int)channel.Type,
            };
            discord.Gateway.Publish(new GatewayEvent("THREAD_DELETE", Intents.Guilds, channel, deleted));
        }
        else
        {
            Publish("CHANNEL_DELETE", channel);
        }
        discord.State.RemoveChannel(channel);
        foreach (var child in channel.Guild.Channels.Values.Where(c => c.Parent == channel).ToList())
        {
            if (child.IsThread)
            {
                discord.State.RemoveChannel(child);
                continue;
            }
            child.Parent = null;
            PublishUpdate(child);
        }
        discord.Records.Add(DiscordRecordKind.ChannelDeleted, actor, channel, detail: channel.Name);
    }

    /// <summary>Creates a thread, and the system message that Discord adds: in the parent channel, or as the first message of the thread.</summary>
    public DiscordChannel CreateThread(DiscordUser actor, DiscordChannel parent, ThreadDraft draft)
    {
        var thread = new DiscordChannel
        {
            Id = draft.Starter?.Id ?? discord.State.Ids.Next(), Guild = parent.Guild, Type = draft.Type, Name = draft.Name, Parent = parent,
            OwnerId = actor.Id, AutoArchiveMinutes = draft.AutoArchiveMinutes, RateLimitPerUser = draft.RateLimitPerUser,
            ArchiveChangedAt = discord.Time.GetUtcNow(),
        };
        thread.ThreadMembers.Add(actor.Id);
        discord.State.AddChannel(thread);
        Publish("THREAD_CREATE", thread, isNew: true);
        discord.Records.Add(DiscordRecordKind.ThreadCreated, actor, thread, detail: thread.Name);

        if (draft.Starter is { } starter)
        {
            starter.Thread = thread;
            discord.Messages.Edit(starter, flags: starter.Flags | MessageFlags.HasThread);
            var first = new MessageDraft { Type = MessageType.ThreadStarter, Reference = new(starter.Id, parent) };
            discord.Messages.Add(actor, thread, first);
        }
        else if (draft.Type != ChannelType.PrivateThread)
        {
            var announcement = new MessageDraft { Type = MessageType.ThreadCreated, Content = thread.Name, Reference = new(0, thread) };
            discord.Messages.Add(actor, parent, announcement);
        }
        return thread;
    }

    /// <summary>Adds users who can see the parent channel to a thread. A private thread becomes visible to them, so they receive THREAD_CREATE.</summary>
    public void AddThreadMembers(DiscordChannel thread, IEnumerable<DiscordUser> users)
    {
        foreach (var user in users)
        {
            if (thread.Parent is { } parent && !Permissions.In(parent, user).HasFlag(Permission.ViewChannel)) continue;
            if (!thread.ThreadMembers.Add(user.Id)) continue;
            discord.Gateway.Publish(new GatewayEvent("THREAD_CREATE", Intents.Guilds, thread, thread.ToJson(user)) { OnlyFor = user });
        }
    }

    /// <summary>The names of text channels are in lower case and have no spaces.</summary>
    public static string NormalizeName(ChannelType type, string name) =>
        type is ChannelType.Text or ChannelType.Announcement or ChannelType.Forum or ChannelType.Media ? name.ToLowerInvariant().Replace(' ', '-') : name;

    private void Publish(string type, DiscordChannel channel, bool isNew = false)
    {
        var data = channel.ToJson();
        if (isNew) data["newly_created"] = true;
        discord.Gateway.Publish(new GatewayEvent(type, Intents.Guilds, channel, data));
    }
}
