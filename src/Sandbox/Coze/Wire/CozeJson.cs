using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace CozeCluster.Sandbox.Coze.Wire;

/// <summary>The JSON of the Coze wire: snake case, absent instead of null, text as plain UTF-8.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ChatRequest))]
[JsonSerializable(typeof(IReadOnlyList<ObjectStringItem>))]
[JsonSerializable(typeof(ObjectStringItem))]
[JsonSerializable(typeof(CancelChatRequest))]
[JsonSerializable(typeof(SubmitToolOutputsRequest))]
[JsonSerializable(typeof(CreateConversationRequest))]
[JsonSerializable(typeof(UpdateConversationRequest))]
[JsonSerializable(typeof(ListMessagesRequest))]
[JsonSerializable(typeof(EnterMessage))]
[JsonSerializable(typeof(OAuthTokenRequest))]
[JsonSerializable(typeof(OAuthToken))]
[JsonSerializable(typeof(OAuthError))]
[JsonSerializable(typeof(JwtHeader))]
[JsonSerializable(typeof(JwtClaims))]
[JsonSerializable(typeof(VerboseContent))]
[JsonSerializable(typeof(FunctionCallContent))]
[JsonSerializable(typeof(ErrorObject))]
[JsonSerializable(typeof(Envelope<Nothing>))]
[JsonSerializable(typeof(Envelope<ChatObject>))]
[JsonSerializable(typeof(Envelope<IReadOnlyList<MessageObject>>))]
[JsonSerializable(typeof(Envelope<MessageObject>))]
[JsonSerializable(typeof(Envelope<ConversationObject>))]
[JsonSerializable(typeof(Envelope<ConversationList>))]
[JsonSerializable(typeof(Envelope<SectionObject>))]
[JsonSerializable(typeof(Envelope<FileObject>))]
[JsonSerializable(typeof(Envelope<BotList>))]
[JsonSerializable(typeof(Envelope<BotDetail>))]
[JsonSerializable(typeof(Envelope<PublishedBotList>))]
[JsonSerializable(typeof(Envelope<WorkspaceList>))]
[JsonSerializable(typeof(MessagePage))]
[JsonSerializable(typeof(ModifiedMessage))]
[JsonSerializable(typeof(ControlError))]
[JsonSerializable(typeof(ScriptRequest))]
[JsonSerializable(typeof(FaultRequest))]
[JsonSerializable(typeof(MintTokenRequest))]
[JsonSerializable(typeof(MintedToken))]
[JsonSerializable(typeof(ExpireTokenRequest))]
[JsonSerializable(typeof(OAuthAppObject))]
[JsonSerializable(typeof(ChatRecordList))]
[JsonSerializable(typeof(ChatCounts))]
internal sealed partial class CozeJson : JsonSerializerContext
{
    /// <summary>Writes characters as they are, as the real server does.</summary>
    public static CozeJson Wire => Forms.Wire;

    /// <summary>Writes everything beyond ASCII as escapes.</summary>
    public static CozeJson Ascii => Forms.Ascii;

    // A class of its own, because it needs the generated Default, whose place in the order of static initialisers is not ours to choose.
    private static class Forms
    {
        public static readonly CozeJson Wire = With(JavaScriptEncoder.UnsafeRelaxedJsonEscaping);
        public static readonly CozeJson Ascii = With(JavaScriptEncoder.Default);

        private static CozeJson With(JavaScriptEncoder encoder) => new(new JsonSerializerOptions(Default.Options) { Encoder = encoder });
    }
}
