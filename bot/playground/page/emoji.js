// Common emoji short codes; unknown ones are shown as text.

const LIST = `
+1 👍,thumbsup 👍,-1 👎,thumbsdown 👎,clap 👏,raised_hands 🙌,pray 🙏,wave 👋,ok_hand 👌,muscle 💪,
point_up ☝️,point_right 👉,point_left 👈,point_down 👇,v ✌️,handshake 🤝,raised_hand ✋,writing_hand ✍️,
smile 😄,smiley 😃,grin 😁,grinning 😀,joy 😂,laughing 😆,wink 😉,blush 😊,slightly_smiling_face 🙂,
upside_down_face 🙃,relieved 😌,heart_eyes 😍,sunglasses 😎,thinking_face 🤔,neutral_face 😐,
expressionless 😑,confused 😕,worried 😟,cry 😢,sob 😭,angry 😠,rage 😡,sleeping 😴,tired_face 😫,
sweat_smile 😅,sweat 😓,scream 😱,flushed 😳,zipper_mouth_face 🤐,hugging_face 🤗,nerd_face 🤓,
partying_face 🥳,face_with_thermometer 🤒,exploding_head 🤯,melting_face 🫠,saluting_face 🫡,eyes 👀,
brain 🧠,ear 👂,speech_balloon 💬,thought_balloon 💭,zzz 💤,heart ❤️,yellow_heart 💛,green_heart 💚,
blue_heart 💙,purple_heart 💜,orange_heart 🧡,black_heart 🖤,white_heart 🤍,broken_heart 💔,
sparkling_heart 💖,100 💯,fire 🔥,sparkles ✨,star ⭐,star2 🌟,boom 💥,zap ⚡,tada 🎉,confetti_ball 🎊,
gift 🎁,balloon 🎈,trophy 🏆,medal 🏅,checkered_flag 🏁,triangular_flag_on_post 🚩,white_flag 🏳️,
rocket 🚀,dart 🎯,seedling 🌱,herb 🌿,four_leaf_clover 🍀,evergreen_tree 🌲,deciduous_tree 🌳,
palm_tree 🌴,cactus 🌵,sunflower 🌻,tulip 🌷,cherry_blossom 🌸,maple_leaf 🍁,sunny ☀️,
partly_sunny ⛅,cloud ☁️,rain_cloud 🌧️,umbrella ☔,snowflake ❄️,rainbow 🌈,ocean 🌊,earth_africa 🌍,
moon 🌔,coffee ☕,tea 🍵,beer 🍺,pizza 🍕,cake 🍰,cookie 🍪,apple 🍎,popcorn 🍿,scales ⚖️,
balance_scale ⚖️,white_check_mark ✅,heavy_check_mark ✔️,ballot_box_with_check ☑️,x ❌,
negative_squared_cross_mark ❎,heavy_multiplication_x ✖️,no_entry ⛔,no_entry_sign 🚫,warning ⚠️,
exclamation ❗,question ❓,grey_question ❔,information_source ℹ️,heavy_plus_sign ➕,heavy_minus_sign ➖,
arrow_right ➡️,arrow_left ⬅️,arrow_up ⬆️,arrow_down ⬇️,arrow_upper_right ↗️,arrow_lower_right ↘️,
arrows_counterclockwise 🔄,repeat 🔁,rewind ⏪,fast_forward ⏩,red_circle 🔴,large_orange_circle 🟠,
large_yellow_circle 🟡,large_green_circle 🟢,large_blue_circle 🔵,large_purple_circle 🟣,white_circle ⚪,
black_circle ⚫,red_square 🟥,large_green_square 🟩,calendar 📆,date 📅,spiral_calendar_pad 🗓️,
alarm_clock ⏰,hourglass ⌛,hourglass_flowing_sand ⏳,stopwatch ⏱️,clock9 🕘,watch ⌚,bell 🔔,
no_bell 🔕,mute 🔇,mega 📣,loudspeaker 📢,email ✉️,envelope ✉️,incoming_envelope 📨,inbox_tray 📥,
outbox_tray 📤,package 📦,memo 📝,pencil 📝,pencil2 ✏️,clipboard 📋,page_facing_up 📄,bookmark 🔖,
bookmark_tabs 📑,books 📚,book 📖,notebook 📓,file_folder 📁,open_file_folder 📂,pushpin 📌,
round_pushpin 📍,paperclip 📎,link 🔗,scissors ✂️,lock 🔒,unlock 🔓,key 🔑,mag 🔍,bulb 💡,gear ⚙️,
wrench 🔧,hammer 🔨,hammer_and_wrench 🛠️,construction 🚧,bug 🐛,test_tube 🧪,microscope 🔬,
chart_with_upwards_trend 📈,chart_with_downwards_trend 📉,bar_chart 📊,moneybag 💰,computer 💻,
desktop_computer 🖥️,iphone 📱,telephone ☎️,tv 📺,camera 📷,art 🎨,musical_note 🎵,house 🏠,office 🏢,
hospital 🏥,school 🏫,airplane ✈️,car 🚗,bike 🚲,ship 🚢,anchor ⚓,traffic_light 🚦,robot_face 🤖,
ghost 👻,alien 👽,skull 💀,see_no_evil 🙈,hear_no_evil 🙉,speak_no_evil 🙊,cat 🐱,dog 🐶,turtle 🐢,
snail 🐌,butterfly 🦋,bee 🐝,unicorn_face 🦄,crossed_fingers 🤞,bust_in_silhouette 👤,
busts_in_silhouette 👥,man-shrugging 🤷‍♂️,woman-shrugging 🤷‍♀️,shrug 🤷,facepalm 🤦,one 1️⃣,two 2️⃣,
three 3️⃣,four 4️⃣,five 5️⃣,six 6️⃣,seven 7️⃣,eight 8️⃣,nine 9️⃣,keycap_ten 🔟,new 🆕,ok 🆗,sos 🆘`;

const EMOJI = new Map(
  LIST.split(",").map((entry) => {
    const [code, emoji] = entry.trim().split(" ");
    return [code, emoji];
  }),
);
const CODE = /:([a-z0-9_+'-]+):(?::skin-tone-[2-6]:)?/g;

/** Replace the known short codes in a text by emoji. */
export const withEmoji = (text) => text.replace(CODE, (all, code) => EMOJI.get(code) ?? all);
