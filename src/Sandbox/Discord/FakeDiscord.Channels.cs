namespace CozeCluster.Sandbox.Discord;

/// <summary>The current state of a message.</summary>
/// <param name="Id">The snowflake of the message.</param>
/// <param name="AuthorId">The user who wrote it.</param>
/// <param name="Content">Its text.</param>
/// <param name="ReplyTo">The message that it replies to, or null.</param>
/// <param name="Edited">Whether it was edited.</param>
/// <param name="HasComponents">Whether it has buttons or other components.</param>
/// <param name="Attachments">The file names.</param>
public sealed record SandboxMessage(
    string Id, string AuthorId, string Content, string? ReplyTo, bool Edited, bool HasComponents, IReadOnlyList<string> Attachments);

/// <summary>The current state of a channel, category or thread.</summary>
/// <param name="Id">The snowflake of the channel.</param>
/// <param name="Type">Discord's channel type.</param>
/// <param name="Name">Its name.</param>
/// <param name="ParentId">The category of a channel, or the channel of a thread.</param>
public sealed record SandboxChannel(string Id, int Type, string Name, string? ParentId);

// Reads channels and messages, and posts and edits without the checks of the REST API.
public sealed partial class FakeDiscord
{
    /// <summary>The channels, categories and threads of a guild, oldest first. Empty when there is no such guild.</summary>
    public IReadOnlyList<SandboxChannel> ChannelsOf(string guildId)
    {
        lock (State.Gate)
        {
            return ulong.TryParse(guildId, out var id) && State.Guilds.TryGetValue(id, out var guild)
                ? [.. guild.Channels.Values.Select(c => new SandboxChannel(c.Id.ToString(), (int)c.Type, c.Name, c.Parent?.Id.ToString()))]
                : [];
        }
    }

    /// <summary>The messages of a channel, oldest first. Empty when there is no such channel.</summary>
    public IReadOnlyList<SandboxMessage> MessagesOf(string channelId)
    {
        lock (State.Gate) return FindChannel(channelId) is { } channel ? [.. channel.Messages.Select(CreateView)] : [];
    }

    /// <summary>Posts as any user, including Coze-hosted bots.</summary>
    /// <returns>The id of the new message.</returns>
    /// <exception cref="ArgumentException">There is no such user or channel.</exception>
    public string Post(string userId, string channelId, string content, string? replyTo = null)
    {
        var id = "";
        ChangeUser(userId, user =>
        {
            var channel = FindChannel(channelId) ?? throw new ArgumentException($"there is no channel {channelId}", nameof(channelId));
            var replied = replyTo is null ? null : channel.Find(ulong.Parse(replyTo));
            id = Messages.Create(user, channel, new MessageDraft
            {
                Content = content,
                Type = replied is null ? MessageType.Default : MessageType.Reply,
                Reference = replied is null ? null : new(replied.Id, channel),
                Mentions = MentionResolver.Resolve(content, allowed: null, State, replied?.Author),
            }).Id.ToString();
        });
        return id;
    }

    /// <summary>Changes the text of any message, and adds buttons with the given labels.</summary>
    /// <exception cref="ArgumentException">There is no such message.</exception>
    public void Edit(string channelId, string messageId, string content, params IReadOnlyList<string> buttons)
    {
        lock (State.Gate)
        {
            var message = ulong.TryParse(messageId, out var id) ? FindChannel(channelId)?.Find(id) : null;
            if (message is null) throw new ArgumentException($"there is no message {messageId} in channel {channelId}", nameof(messageId));
            var builder = new CozeBotMessageBuilder(this, CozeBotScript.Default with { Labels = buttons });
            Messages.Edit(message, content, components: builder.Build(content, message.Channel, isLast: true).Components);
        }
    }

    private DiscordChannel? FindChannel(string channelId) =>
        ulong.TryParse(channelId, out var id) ? State.Channels.GetValueOrDefault(id) : null;

    private static SandboxMessage CreateView(DiscordMessage message) => new(
        message.Id.ToString(), message.Author.Id.ToString(), message.Content, message.Reference?.MessageId.ToString(), message.EditedAt is not null,
        message.Components.Count > 0, [.. message.Attachments.Select(file => file.Filename)]);
}
