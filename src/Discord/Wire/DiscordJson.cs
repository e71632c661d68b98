using System.Text.Json.Serialization;

namespace CozeCluster.Discord;

/// <summary>Everything that is read from Discord or written to it as JSON: snake case, what is null is left out.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, Converters = [typeof(TextConverter)])]
[JsonSerializable(typeof(GatewayBot))]
[JsonSerializable(typeof(DiscordUser))]
[JsonSerializable(typeof(DiscordGuild))]
[JsonSerializable(typeof(DiscordChannel))]
[JsonSerializable(typeof(DiscordMessage))]
[JsonSerializable(typeof(IReadOnlyList<DiscordChannel>))]
[JsonSerializable(typeof(IReadOnlyList<DiscordMessage>))]
[JsonSerializable(typeof(ActiveThreads))]
[JsonSerializable(typeof(NewChannel))]
[JsonSerializable(typeof(ChannelChange))]
[JsonSerializable(typeof(NewThread))]
[JsonSerializable(typeof(NewMessage))]
[JsonSerializable(typeof(MessageChange))]
[JsonSerializable(typeof(ReadyData))]
[JsonSerializable(typeof(GuildData))]
[JsonSerializable(typeof(DeletedData))]
[JsonSerializable(typeof(TypingData))]
[JsonSerializable(typeof(HelloData))]
internal sealed partial class DiscordJson : JsonSerializerContext;
