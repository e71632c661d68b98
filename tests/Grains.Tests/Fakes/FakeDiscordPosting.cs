using System.Collections.Concurrent;
using System.Globalization;

namespace CozeCluster.Grains.Tests.Fakes;

/// <summary>Posts to Discord in memory.</summary>
public sealed class FakeDiscordPosting : IDiscordPosting
{
    /// <summary>The next posts throw these; null lets one post succeed.</summary>
    public ConcurrentQueue<ClusterException?> Refusals { get; } = new();

    /// <summary>Posted messages, oldest first.</summary>
    public ConcurrentQueue<DiscordPost> Posts { get; } = new();

    public Task<DiscordPosted> Post(AccountDefinition account, DiscordPost post, CancellationToken cancellationToken)
    {
        if (Refusals.TryDequeue(out var refusal) && refusal is not null) throw refusal;
        Posts.Enqueue(post);
        return Task.FromResult(new DiscordPosted($"{1000 + Posts.Count}", post.ChannelId, account.Id));
    }

    /// <summary>The account's option <c>daily_posts</c>.</summary>
    public int? DailyLimit(AccountDefinition account) =>
        account.Options.TryGetValue("daily_posts", out var limit) ? int.Parse(limit, CultureInfo.InvariantCulture) : null;
}
