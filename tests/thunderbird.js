// tests/thunderbird.js - what Thunderbird is asked for by tests/thunderbird.py: `tasks`, by name.
// It runs in the window of the main process, anew for each task; what lasts is Thunderbird's.
const { MailServices } = ChromeUtils.importESModule("resource:///modules/MailServices.sys.mjs");

// What tells of its end by a listener, as a promise. Each interface that may listen is there.
function finished(what, begin) {
  return new Promise((resolve, reject) => {
    const end = status => Components.isSuccessCode(status)
      ? resolve() : reject(new Error(`${what} ended with 0x${status.toString(16)}`));
    begin({
      QueryInterface: ChromeUtils.generateQI(["nsIUrlListener", "nsIMsgCopyServiceListener"]),
      OnStartRunningUrl() {},
      OnStopRunningUrl(url, status) { end(status); },
      onStartCopy() {},
      onProgress() {},
      setMessageKey() {},
      getMessageId() { return null; },
      onStopCopy(status) { end(status); },
    });
  });
}

const server = () => MailServices.accounts.accounts.map(account => account.incomingServer)
  .find(one => one.type == "imap");

function folder(path) {
  let found = server().rootFolder;
  for (const name of path.split("/")) {
    found = found.subFolders.find(one => one.name == name || (name == "INBOX" && one.getFlag(Ci.nsMsgFolderFlags.Inbox)));
    if (!found) {
      throw new Error(`no folder ${path}; there are: ${tasks.folders().join(", ")}`);
    }
  }
  return found.QueryInterface(Ci.nsIMsgImapMailFolder);
}

function message(path, subject) {
  const found = [...folder(path).messages].filter(one => one.mime2DecodedSubject == subject);
  if (found.length != 1) {
    throw new Error(`${found.length} messages "${subject}" in ${path}`);
  }
  return found[0];
}

const tasks = {
  version: () => Services.appinfo.version,

  // An account as somebody adds it: what they typed is tried by logging in, and kept. STARTTLS, with
  // the exception that they make for a certificate that no authority signed.
  async account(host, port, address, password, certificate) {
    const body = certificate.replace(/-----[^-]*-----|\s/g, "");
    Cc["@mozilla.org/security/certoverride;1"].getService(Ci.nsICertOverrideService)
      .rememberValidityOverride(host, port, {}, Cc["@mozilla.org/security/x509certdb;1"]
        .getService(Ci.nsIX509CertDB).constructX509FromBase64(body), true);
    const made = MailServices.accounts.createIncomingServer(address, host, "imap");
    made.port = port;
    made.socketType = Ci.nsMsgSocketType.alwaysSTARTTLS;
    made.authMethod = Ci.nsMsgAuthMethod.passwordCleartext;
    // Only IDLE brings news: it does not look every few minutes.
    made.doBiff = false;
    const login = Cc["@mozilla.org/login-manager/loginInfo;1"].createInstance(Ci.nsILoginInfo);
    login.init(`imap://${host}`, null, `imap://${host}`, address, password, "", "");
    await Services.logins.addLoginAsync(login);
    made.password = password;
    await finished("the login", listener => made.verifyLogon(listener, null));
    // As its wizard does: the connection of the trial has not said ENABLE, and would be used so.
    made.closeCachedConnections();
    const identity = MailServices.accounts.createIdentity();
    identity.email = address;
    const account = MailServices.accounts.createAccount();
    account.addIdentity(identity);
    account.incomingServer = made;
    made.valid = true;
    made.performExpand(null);
  },

  // By the names that somebody sees, "above/below".
  folders() {
    const paths = (above, prefix) => above.subFolders.flatMap(one => {
      const name = prefix + (one.getFlag(Ci.nsMsgFolderFlags.Inbox) ? "INBOX" : one.name);
      return [name, ...paths(one, name + "/")];
    });
    return paths(server().rootFolder, "");
  },

  // Ask for what is new; without a listener, which is not told when one such question is under way.
  update: path => folder(path).updateFolder(null),
  // Ask which folders there are.
  discover: () => server().performExpand(null),

  messages: path => [...folder(path).messages].map(one => ({
    subject: one.mime2DecodedSubject,
    from: one.mime2DecodedAuthor,
    read: one.isRead,
    flagged: one.isFlagged,
    keywords: one.getStringProperty("keywords").split(" ").filter(Boolean).sort(),
    replied: Boolean(one.flags & Ci.nsMsgMessageFlags.Replied),
    deleted: Boolean(one.flags & Ci.nsMsgMessageFlags.IMAPDeleted),
    uid: one.messageKey,
    bytes: one.messageSize,
  })),

  // The octets of a message.
  async source(path, subject) {
    const uri = folder(path).getUriForMsg(message(path, subject));
    const chunks = [];
    await new Promise((resolve, reject) => MailServices.messageServiceFromURI(uri).streamMessage(uri, {
      QueryInterface: ChromeUtils.generateQI(["nsIStreamListener", "nsIRequestObserver"]),
      onStartRequest() {},
      onDataAvailable(request, stream, offset, count) {
        const reader = Cc["@mozilla.org/binaryinputstream;1"].createInstance(Ci.nsIBinaryInputStream);
        reader.setInputStream(stream);
        chunks.push(reader.readBytes(count));
      },
      onStopRequest(request, status) {
        Components.isSuccessCode(status) ? resolve() : reject(new Error(`0x${status.toString(16)}`));
      },
    }, null, null, false, "", false));
    return chunks.join("");
  },

  // Look at a folder in the window, as somebody who clicks at it.
  show(path) {
    window.document.getElementById("tabmail").currentAbout3Pane.displayFolder(folder(path).URI);
  },

  // Click at a message of the folder that is shown.
  read(path, subject) {
    window.document.getElementById("tabmail").currentAbout3Pane.selectMessage(message(path, subject));
  },

  // What stands in the pane of the message; "" as long as there is none.
  text() {
    const pane = window.document.getElementById("tabmail").currentAboutMessage;
    return pane?.getMessagePaneBrowser()?.contentDocument?.body?.textContent ?? "";
  },

  mark: (path, subject, read) => folder(path).markMessagesRead([message(path, subject)], read),
  flag: (path, subject, flagged) => folder(path).markMessagesFlagged([message(path, subject)], flagged),
  tag: (path, subject, keyword) => folder(path).addKeywordsToMessages([message(path, subject)], keyword),
  untag: (path, subject, keyword) => folder(path).removeKeywordsFromMessages([message(path, subject)], keyword),

  copy: (path, subject, to, move) => finished(`${move ? "move" : "copy"} to ${to}`, listener =>
    MailServices.copy.copyMessages(folder(path), [message(path, subject)], folder(to), move, listener, null, false)),

  // To the trash, or for ever.
  remove: (path, subject, forEver) => finished("the removal", listener =>
    folder(path).deleteMessages([message(path, subject)], null, forEver, false, listener, false)),

  expunge: path => finished("the expunge", listener => folder(path).compact(listener, null)),

  make: name => server().rootFolder.createSubfolder(name, null),
  rename: (path, name) => folder(path).rename(name, null),

  // A file with a message to a folder, as a draft or a copy of what was sent is kept.
  async keep(path, text) {
    const file = Services.dirsvc.get("ProfD", Ci.nsIFile);
    file.append("kept.eml");
    await IOUtils.writeUTF8(file.path, text);
    await finished("keeping it", listener => MailServices.copy.copyFileMessage(
      file, folder(path), null, false, Ci.nsMsgMessageFlags.Read, "", listener, null));
  },

  // The subjects that the server finds.
  search: (path, word) => new Promise((resolve, reject) => {
    const session = Cc["@mozilla.org/messenger/searchSession;1"].createInstance(Ci.nsIMsgSearchSession);
    const term = session.createTerm();
    const value = term.value;
    value.attrib = Ci.nsMsgSearchAttrib.Body;
    value.str = word;
    term.attrib = Ci.nsMsgSearchAttrib.Body;
    term.op = Ci.nsMsgSearchOp.Contains;
    term.value = value;
    session.addScopeTerm(Ci.nsMsgSearchScope.onlineMail, folder(path));
    session.appendTerm(term);
    const found = [];
    session.registerListener({
      QueryInterface: ChromeUtils.generateQI(["nsIMsgSearchNotify"]),
      onSearchHit(header) { found.push(header.mime2DecodedSubject); },
      onSearchDone(status) {
        Components.isSuccessCode(status) ? resolve(found) : reject(new Error(`0x${status.toString(16)}`));
      },
      onNewSearch() {},
    });
    session.search(null);
  }),
};
