using Microsoft.Extensions.Logging;

namespace CozeCluster.Discord;

/// <summary>
/// Keeps the files of a reply whose channel is deleted after the turn: Discord deletes a channel's files soon after it, and clients that show a reply later
/// would find nothing. A file that cannot be kept stays at Discord's address.
/// </summary>
internal sealed class ReplyFileKeeper(IDiscordApi discord, IBlobStore blobs, ListenerDefinition listener, string channelId, UpstreamTurn turn, ILogger logger)
{
    private readonly string _path = $"/attachments/{channelId}/";

    /// <summary>Whether a picture or file is deleted with its channel. Bots also show pictures that are elsewhere.</summary>
    public bool IsInChannel(DiscordMediaSeen media) => media.Url.Contains(_path, StringComparison.Ordinal);

    /// <summary>Keeps a file.</summary>
    /// <returns>The file with the address at which clients find it.</returns>
    public async Task<DiscordMediaSeen> Keep(DiscordMediaSeen media, CancellationToken cancellationToken)
    {
        try
        {
            var content = await discord.Download(listener, media.Url, cancellationToken).ConfigureAwait(false);
            var name = Uri.TryCreate(media.Url, UriKind.Absolute, out var address) ? Uri.UnescapeDataString(address.Segments[^1]) : media.Name;
            return media with { Url = await ReplyFiles.Keep(blobs, turn.TenantId, name, content, cancellationToken).ConfigureAwait(false) };
        }
        catch (Exception e) when (e is ClusterException or IOException)
        {
            logger.FileNotKept(e, turn.TurnId);
            return media;
        }
    }
}
