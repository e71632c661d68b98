using CozeCluster.Upstreams.Http;
using CozeCluster.Upstreams.Json;

namespace CozeCluster.Upstreams.Notifications;

/// <summary>Sends notices with a Telegram bot (Bot API, <c>sendMessage</c>).</summary>
internal sealed class TelegramNotifier(NotificationHttp http, ISecretSeal seal) : INotifier
{
    /// <inheritdoc />
    public string Name => "telegram";

    /// <inheritdoc />
    public bool IsConfigured(NotificationsDefinition notices) => notices.Telegram is not null;

    /// <inheritdoc />
    public Task Send(NotificationsDefinition notices, Notification notice, CancellationToken cancellationToken)
    {
        var telegram = notices.Telegram!;
        var token = seal.Open(telegram.Token);
        return http.Post(
            "Telegram",
            new Uri($"{telegram.BaseUrl}/bot{token}/sendMessage"),
            writer =>
            {
                writer.WriteString("chat_id"u8, telegram.ChatId);
                writer.WriteString("text"u8, notice.Text);
                writer.WriteStartObject("link_preview_options"u8);
                writer.WriteBoolean("is_disabled"u8, true);
                writer.WriteEndObject();
            },
            body => UpstreamText.Clean(LenientJson.TryParse(body)?.Text("description"u8), token),
            secretHeader: null,
            cancellationToken);
    }
}
