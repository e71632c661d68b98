namespace CozeCluster.Sandbox.Discord;

/// <summary>A message as it is now.</summary>
/// <param name="Id">Snowflake.</param>
/// <param name="AuthorId">Who wrote it.</param>
/// <param name="Content">Its text.</param>
/// <param name="ReplyTo">The message it answers, if it is a reply.</param>
/// <param name="Edited">Whether it was edited.</param>
/// <param name="HasComponents">Whether it carries buttons or other components.</param>
/// <param name="Attachments">File names.</param>
public sealed record SandboxMessage(
    string Id, string AuthorId, string Content, string? ReplyTo, bool Edited, bool HasComponents, IReadOnlyList<string> Attachments);

/// <summary>A channel, category or thread as it is now.</summary>
/// <param name="Id">Snowflake.</param>
/// <param name="Type">Discord's channel type.</param>
/// <param name="Name">Its name.</param>
/// <param name="ParentId">Its category, or a thread's channel.</param>
public sealed record SandboxChannel(string Id, int Type, string Name, string? ParentId);

// What is there, and acting by hand.
public sealed partial class FakeDiscord
{
    /// <summary>Channels, categories and threads of a guild, oldest first; empty when there is no such guild.</summary>
    public IReadOnlyList<SandboxChannel> ChannelsOf(string guildId)
    {
        lock (World.Gate)
        {
            return ulong.TryParse(guildId, out var id) && World.Guilds.TryGetValue(id, out var guild)
                ? [.. guild.Channels.Values.Select(c => new SandboxChannel(c.Id.ToString(), (int)c.Type, c.Name, c.Parent?.Id.ToString()))]
                : [];
        }
    }

    /// <summary>Messages of a channel, oldest first; empty when there is no such channel.</summary>
    public IReadOnlyList<SandboxMessage> MessagesOf(string channelId)
    {
        lock (World.Gate)
        {
            return ulong.TryParse(channelId, out var id) && World.Channels.TryGetValue(id, out var channel) ? [.. channel.Messages.Select(View)] : [];
        }
    }

    /// <summary>Posts as any user without the REST API's checks; a Coze-hosted bot can be led by hand this way.</summary>
    /// <returns>The new message's id.</returns>
    /// <exception cref="ArgumentException">No such user or channel.</exception>
    public string Post(string userId, string channelId, string content, string? replyTo = null)
    {
        var id = "";
        Change(userId, user =>
        {
            var channel = ulong.TryParse(channelId, out var number) ? World.Channels.GetValueOrDefault(number) : null;
            if (channel is null) throw new ArgumentException($"there is no channel {channelId}", nameof(channelId));
            var replied = replyTo is null ? null : channel.Find(ulong.Parse(replyTo));
            id = Messages.Create(user, channel, new MessageDraft
            {
                Content = content,
                Type = replied is null ? MessageType.Default : MessageType.Reply,
                Reference = replied is null ? null : new(replied.Id, channel),
                Mentions = MentionRules.Resolve(content, allowed: null, World, replied?.Author),
            }).Id.ToString();
        });
        return id;
    }

    /// <summary>Edits any message's text; with buttons if labels are given.</summary>
    /// <exception cref="ArgumentException">No such message.</exception>
    public void Edit(string channelId, string messageId, string content, params IReadOnlyList<string> buttons)
    {
        lock (World.Gate)
        {
            var message = ulong.TryParse(channelId, out var channel) && ulong.TryParse(messageId, out var id) && World.Channels.TryGetValue(channel, out var place)
                ? place.Find(id) : null;
            if (message is null) throw new ArgumentException($"there is no message {messageId} in channel {channelId}", nameof(messageId));
            var looks = new CozeBotComponents(this, CozeBotScript.Default with { Labels = buttons });
            Messages.Edit(message, content, components: looks.Draft(content, message.Channel, isLast: true).Components);
        }
    }

    private static SandboxMessage View(DiscordMessage message) => new(
        message.Id.ToString(), message.Author.Id.ToString(), message.Content, message.Reference?.MessageId.ToString(), message.EditedAt is not null,
        message.Components.Count > 0, [.. message.Attachments.Select(file => file.Filename)]);
}
